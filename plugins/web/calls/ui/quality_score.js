// One score beside its words: each answer leads to the place in the call; a person outranks it, or disputes it.
import { callPath } from "./address.js";
import { ask, useAnswer } from "./api.js";
import { html, useState } from "./host.js";
import { Badge, Banner, Button, Foreign, Go, Skeleton, Trouble } from "./parts.js";
import { clock } from "./text.js";
import { dayAndTime, named, number, share, t } from "./words.js";

/** The figure with its coverage; grey where the judge is not calibrated, so that it is not compared. */
export function ScoreLine({ score }) {
  if (score.score === null) return html`<span className="cb-faint">${named("quality_reason", score.why_not ?? "low_coverage")}</span>`;
  const changed = score.judged_score !== score.score;
  return html`<span className=${score.calibrated ? "" : "cb-faint"} title=${score.calibrated ? undefined : t("quality.grey")}>
    <strong className="cb-number">${number(score.score, 1)}</strong> <span className="cb-faint">${t("quality.coverage", { share: share(score.coverage) })}</span>
    ${changed && html` <span className="cb-faint">${t("quality.was", { score: number(score.judged_score, 1) })}</span>`}</span>`;
}

export const why = (score) => [...score.reasons, ...(score.open_disputes ? ["disputed"] : [])].filter((reason) => score.needs_review || reason === "disputed");

/** The scores of one call, for its page. */
export function ScoresOfCall({ id }) {
  const found = useAnswer(`quality/calls?call=${id}`);
  if (!found.data?.items.length) return null;
  return html`<section className="cb-part"><h2>${t("menu.quality")}</h2><ul className="cb-plain">${found.data.items.map((one) => html`<li key=${one.score_id}>
    <${Go} to=${`quality/${one.score_id}`}>${one.card} v${one.version}: <${ScoreLine} score=${one} /><//></li>`)}</ul></section>`;
}

export function ScoreView({ id, me }) {
  const found = useAnswer(`quality/scores/${id}`);
  if (!found.data) {
    return html`<div className="cb-page"><h1>${t("quality.score")}</h1><${Back} />
      ${found.error ? html`<${Trouble} error=${found.error} again=${found.again} />` : html`<${Skeleton} lines=${6} height=${64} />`}</div>`;
  }
  const { score, answers, title, pass_score } = found.data;
  const sections = [...new Set(answers.map((one) => one.section))];
  return html`<div className="cb-page"><h1><${Foreign}>${title}<//></h1><${Back} />
    <p><${ScoreLine} score=${score} /> ${score.passed !== null && html`<${Badge} kind="passed" code=${String(score.passed)} tone=${score.passed ? "good" : "warn"} />`}
      <span className="cb-faint"> ${t("quality.pass_from", { score: number(pass_score) })}</span></p>
    <p><${Go} to=${callPath(score.call)}>${dayAndTime(score.started_at)}<//> · <${Foreign}>${score.employee ?? score.employee_id ?? t("none")}<//>
      <span className="cb-faint"> ${score.model}</span></p>
    ${!score.calibrated && score.status === "scored" && html`<${Banner} title=${t("quality.grey")}>${t("quality.uncalibrated_help")}<//>`}
    ${why(score).length > 0 && html`<${Banner} tone="warn" title=${t("quality.attention")}>${why(score).map((reason) => named("quality_reason", reason)).join("; ")}<//>`}
    ${sections.map((section) => html`<section className="cb-part" key=${section}><h2><${Foreign}>${section}<//></h2>
      ${answers.filter((one) => one.section === section).map((one) => html`<${Answer} key=${one.criterion} one=${one} score=${score} me=${me} again=${found.again} />`)}</section>`)}</div>`;
}

const Back = () => html`<p className="cb-back"><${Go} to="quality">← ${t("menu.quality")}<//></p>`;

function Answer({ one, score, me, again }) {
  const said = one.by_people;
  return html`<article className="cb-answer"><h3><${Foreign}>${one.question}<//></h3>
    <p>${said ? html`<strong>${named("quality_answer", said.answer)}</strong> <span className="cb-faint">${t("quality.by_person", { name: said.by })}</span>
        <s className="cb-faint">${named("quality_answer", one.answer)}</s>` : html`<strong className=${one.calibrated ? "" : "cb-faint"}>${named("quality_answer", one.answer)}</strong>`}
      ${one.lost && html` <span className="cb-badge cb-tone-warn">${t("quality.was_lost", { answer: named("quality_answer", one.lost) })}</span>`}
      ${one.source === "rule" && html` <span className="cb-faint">${t("quality.by_rule")}</span>`}</p>
    ${one.evidence.map((each, n) => html`<blockquote key=${n} className="cb-quote"><${Go} to=${callPath(score.call, each.t)}>${clock(each.t)}<//>
      <span className="cb-faint"> ${named("role", each.speaker)}</span> ${each.quote ? html`«<${Foreign}>${each.quote}<//>»` : html`<span className="cb-faint">${t("quality.place")}</span>`}</blockquote>`)}
    ${one.why && html`<p className="cb-faint"><${Foreign}>${one.why}<//></p>`}
    ${said?.comment && html`<p><${Foreign}>${said.comment}<//></p>`}
    ${one.dispute && html`<${Dispute} one=${one} me=${me} again=${again} />`}
    ${score.status === "scored" && html`<${Say} one=${one} score=${score} me=${me} again=${again} />`}</article>`;
}

function Dispute({ one, me, again }) {
  const { dispute } = one;
  const [error, setError] = useState(null);
  const decide = async (answer) => {
    setError(null);
    try {
      await ask(`quality/disputes/${dispute.id}`, { method: "POST", body: { answer, comment: "" } });
      again();
    } catch (refused) {
      setError(refused);
    }
  };
  const may = dispute.status === "open" && me.rights.includes("check");
  return html`<div className="cb-banner cb-tone-warn"><div><strong>${named("dispute", dispute.status)}</strong>
    <div><${Foreign}>${dispute.by}<//>: <${Foreign}>${dispute.reason}<//></div>${error && html`<${Trouble} error=${error} />`}</div>
    ${may && html`<div className="cb-row"><${Button} look="outline" onClick=${() => decide(null)}>${t("quality.uphold")}<//>
      ${one.choices.filter((choice) => choice !== one.answer).map((choice) => html`<${Button} key=${choice} look="outline"
        onClick=${() => decide(choice)}>${t("quality.change_to", { answer: named("quality_answer", choice) })}<//>`)}</div>`}</div>`;
}

function Say({ one, score, me, again }) {
  const [open, setOpen] = useState(null); // verdict | dispute
  const [answer, setAnswer] = useState(one.by_people?.answer ?? one.answer);
  const [words, setWords] = useState("");
  const [error, setError] = useState(null);
  const mayJudge = me.rights.includes("check");
  const send = async (event) => {
    event.preventDefault();
    setError(null);
    const [path, body] = open === "verdict"
      ? ["verdicts", { criterion: one.criterion, answer, comment: words }] : ["disputes", { criterion: one.criterion, reason: words }];
    try {
      await ask(`quality/scores/${score.score_id}/${path}`, { method: "POST", body });
      setOpen(null);
      again();
    } catch (refused) {
      setError(refused);
    }
  };
  if (!open) {
    return html`<div className="cb-row">${mayJudge && html`<${Button} look="outline" onClick=${() => setOpen("verdict")}>${t("quality.answer_myself")}<//>`}
      ${!one.dispute && html`<${Button} look="outline" onClick=${() => setOpen("dispute")}>${t("quality.dispute")}<//>`}</div>`;
  }
  const name = `${one.criterion}-${open}`;
  return html`<form className="cb-score-form" onSubmit=${send}>
    ${open === "verdict" && html`<label>${t("quality.answer")} <select value=${answer} onChange=${(event) => setAnswer(event.target.value)}>
      ${one.choices.map((choice) => html`<option key=${choice} value=${choice}>${named("quality_answer", choice)}</option>`)}</select></label>`}
    <label htmlFor=${name}>${t(open === "verdict" ? "quality.comment" : "quality.reason")}</label>
    <textarea id=${name} rows="2" maxLength="1000" required=${open === "dispute"} value=${words} onChange=${(event) => setWords(event.target.value)} />
    ${error && html`<${Trouble} error=${error} />`}
    <div className="cb-row"><button type="submit" className="cb-button cb-solid">${t("quality.save")}</button><${Button} look="outline" onClick=${() => setOpen(null)}>${t("quality.cancel")}<//></div></form>`;
}
