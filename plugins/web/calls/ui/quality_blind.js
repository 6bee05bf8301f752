// Blind answers for calibration: the text and the questions of a card, nothing of any judge.
import { ask, useAnswer } from "./api.js";
import { html, useState } from "./host.js";
import { Empty, Foreign, Go, Skeleton, Trouble } from "./parts.js";
import { named, t } from "./words.js";

const CARD = "operator_default";

export function BlindPage() {
  const next = useAnswer(`quality/calibration/${CARD}`);
  return html`<div className="cb-page"><h1>${t("quality.blind")}</h1><p className="cb-back"><${Go} to="quality">← ${t("menu.quality")}<//></p>
    ${next.error?.status === 404 ? html`<${Empty} title=${t("quality.blind_done")}>${t("quality.blind_done_help")}<//>`
      : next.error ? html`<${Trouble} error=${next.error} again=${next.again} />` : null}
    ${!next.data && next.loading && html`<${Skeleton} lines=${6} />`}
    ${next.data && html`<${BlindForm} key=${next.data.item} call=${next.data} again=${next.again} />`}</div>`;
}

function BlindForm({ call, again }) {
  const [answers, setAnswers] = useState({});
  const [error, setError] = useState(null);
  const left = call.questions.filter((one) => !answers[one.criterion]).length;
  const send = async (event) => {
    event.preventDefault();
    setError(null);
    try {
      await ask(`quality/calibration/${call.card}/${call.item}`, { method: "POST", body: { answers } });
      again();
    } catch (refused) {
      setError(refused);
    }
  };
  return html`<form onSubmit=${send}><pre className="cb-blind"><${Foreign}>${call.text}<//></pre>
    ${call.questions.map((one) => html`<fieldset key=${one.criterion} className="cb-answer"><legend><${Foreign}>${one.question}<//></legend>
      ${one.guidance && html`<p className="cb-faint"><${Foreign}>${one.guidance}<//></p>`}
      <div className="cb-row">${one.choices.map((choice) => html`<label key=${choice}><input type="radio" name=${one.criterion} value=${choice}
        checked=${answers[one.criterion] === choice} onChange=${() => setAnswers((was) => ({ ...was, [one.criterion]: choice }))} />
        ${named("quality_answer", choice)}</label>`)}</div></fieldset>`)}
    ${error && html`<${Trouble} error=${error} />`}
    <div className="cb-row"><button type="submit" className="cb-button cb-solid" disabled=${left > 0}>${t("quality.save_next")}</button>
      ${left > 0 && html`<span className="cb-faint">${t("quality.left", { n: left })}</span>`}</div></form>`;
}
