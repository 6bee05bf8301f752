// Scores of calls: what needs a person, averages that are fair to compare, how often each judge agrees with people.
import { callPath } from "./address.js";
import { ask, useAnswer } from "./api.js";
import { html, useState } from "./host.js";
import { BlindPage } from "./quality_blind.js";
import { ScoreLine, ScoreView, why } from "./quality_score.js";
import { Badge, Banner, Button, Empty, Foreign, Go, Skeleton, Trouble } from "./parts.js";
import { dayAndTime, named, number, share, t } from "./words.js";

const DAG = "callcenter_quality";
const FILTERS = [["all", ""], ["review", "review=true"], ["disputed", "disputed=true"], ["unscorable", "status=unscorable"]];

export function QualityPage({ me, id }) {
  if (id === "blind") return html`<${BlindPage} />`;
  if (id) return html`<${ScoreView} id=${id} me=${me} />`;
  return html`<${Overview} me=${me} />`;
}

function Overview({ me }) {
  const summary = useAnswer("quality/summary?days=30");
  return html`<div className="cb-page"><h1>${t("menu.quality")}</h1>
    ${me.rights.includes("check") && html`<p><${Go} to="quality/blind" className="cb-button cb-outline">${t("quality.blind")}<//></p>`}
    ${summary.error && html`<${Trouble} error=${summary.error} again=${summary.again} />`}
    ${!summary.data && !summary.error && html`<${Skeleton} lines=${4} />`}
    ${summary.data && html`<${Averages} found=${summary.data} /><${Judges} judges=${summary.data.judges} />`}
    <${Scores} /></div>`;
}

function Averages({ found }) {
  if (!found.averages.length) return null;
  const cell = (one) => (one.score === null ? html`<span className="cb-faint">${t("quality.no_average", { least: found.least })}</span>`
    : html`${number(one.score, 1)} <span className="cb-faint">${share(one.coverage)}</span>`);
  return html`<section className="cb-part"><h2>${t("quality.averages", { days: found.days })}</h2><p className="cb-faint">${t("quality.averages_help")}</p>
    <div className="cb-scroll"><table className="cb-table"><thead><tr>${["employee", "card", "average", "counted", "to_review", "open"].map((name) =>
      html`<th key=${name} scope="col">${t(`quality.${name}`)}</th>`)}</tr></thead>
    <tbody>${found.averages.map((one) => html`<tr key=${`${one.card}/${one.employee_id}`}>
      <th scope="row"><${Foreign}>${one.employee ?? one.employee_id ?? t("none")}<//></th><td>${one.card}</td><td>${cell(one)}</td>
      <td className="cb-number">${t("quality.of", { some: number(one.counted), all: number(one.scores) })}</td>
      <td className="cb-number">${number(one.to_review)}</td><td className="cb-number">${number(one.open_disputes)}</td></tr>`)}</tbody></table></div></section>`;
}

function Judges({ judges }) {
  if (!judges.length) return html`<${Banner} title=${t("quality.uncalibrated")}>${t("quality.uncalibrated_help")}<//>`;
  return html`<section className="cb-part"><h2>${t("quality.judges")}</h2><p className="cb-faint">${t("quality.judges_help")}</p>
    ${judges.map((one) => html`<details key=${`${one.card}/${one.provider}/${one.model}/${one.prompt}`} open=${judges.length === 1}>
      <summary>${one.card} · ${one.model} <${Badge} kind="calibration" code=${one.status}
        tone=${one.status === "pass" ? "good" : one.status === "fail" ? "warn" : "plain"} /></summary>
      <div className="cb-scroll"><table className="cb-table"><thead><tr>${["criterion", "n", "kappa", "ac1", "recall", "precision", "unknown", "lost", "people"].map(
        (name) => html`<th key=${name} scope="col">${t(`quality.${name}`)}</th>`)}</tr></thead>
      <tbody>${Object.entries(one.criteria).map(([name, figures]) => html`<tr key=${name}>
        <th scope="row">${name} <${Badge} kind="calibration" code=${figures.status}
          tone=${figures.status === "pass" ? "good" : figures.status === "fail" ? "warn" : "plain"} /></th>
        <td className="cb-number">${number(figures.n)}</td><td>${figure(figures.kappa, figures.kappa_interval)}</td><td>${figure(figures.ac1)}</td>
        <td>${figure(figures.recall, figures.recall_interval)}</td><td>${figure(figures.precision, figures.precision_interval)}</td>
        <td>${share(figures.unknown)}</td><td>${share(figures.lost)}</td><td>${figure(figures.people_kappa)}</td></tr>`)}</tbody></table></div></details>`)}</section>`;
}

const figure = (value, interval) => (value === null || value === undefined ? t("none")
  : html`<span className="cb-number">${number(value, 2)}${interval ? html` <span className="cb-faint">${number(interval[0], 2)}–${number(interval[1], 2)}</span>` : null}</span>`);

/** The tab of a DAG run in Airflow: the scores that it brought. */
export function ScoresOfRun({ me, dagId, runId }) {
  if (dagId !== DAG) return html`<${Empty} title=${t("quality.other_dag")}>${t("quality.other_dag_help")}<//>`;
  if (!me.rights.includes("read")) return html`<${Empty} title=${t("no_right.title")}>${t("no_right.help")}<//>`;
  return html`<${Scores} of=${`dag_run=${encodeURIComponent(runId)}`} />`;
}

function Scores({ of = "" }) {
  const [filter, setFilter] = useState("all");
  const [more, setMore] = useState([]);
  const query = [of, FILTERS.find(([name]) => name === filter)[1]].filter(Boolean).join("&");
  const first = useAnswer(`quality/calls${query ? `?${query}` : ""}`);
  const pages = first.data ? [first.data, ...more.filter((one) => one.of === query).map((one) => one.page)] : [];
  const items = pages.flatMap((page) => page.items);
  const next = pages.at(-1)?.next;
  const further = async () => {
    const page = await ask(`quality/calls?${query ? `${query}&` : ""}after=${encodeURIComponent(next)}`);
    setMore((was) => [...was, { of: query, page }]);
  };
  return html`<section className="cb-part"><h2>${t("quality.scores")}</h2>
    <div className="cb-row" role="group" aria-label=${t("quality.show")}>${FILTERS.map(([name]) => html`<${Button} key=${name}
      look=${name === filter ? "solid" : "outline"} aria-pressed=${name === filter} onClick=${() => setFilter(name)}>${t(`quality.filter_${name}`)}<//>`)}</div>
    ${first.error && html`<${Trouble} error=${first.error} again=${first.again} />`}
    ${!first.data && first.loading && html`<${Skeleton} lines=${6} />`}
    ${first.data && !items.length && html`<${Empty} title=${t("quality.empty")}>${t("quality.empty_help")}<//>`}
    ${items.length > 0 && html`<div className="cb-scroll"><table className="cb-table"><thead><tr>${["score", "call", "employee", "card", "attention"].map(
      (name) => html`<th key=${name} scope="col">${t(`quality.${name}`)}</th>`)}</tr></thead>
    <tbody>${items.map((one) => html`<tr key=${one.score_id}>
      <td><${Go} to=${`quality/${one.score_id}`}><${ScoreLine} score=${one} /><//></td>
      <td><${Go} to=${callPath(one.call)}>${dayAndTime(one.started_at)}<//></td>
      <td><${Foreign}>${one.employee ?? one.employee_id ?? t("none")}<//></td><td>${one.card} v${one.version}</td>
      <td>${why(one).map((reason) => html`<span key=${reason} className="cb-badge cb-tone-warn">${named("quality_reason", reason)}</span> `)}</td></tr>`)}</tbody></table></div>`}
    ${next && html`<p><${Button} look="outline" onClick=${further}>${t("quality.more")}<//></p>`}</section>`;
}
