// What a person found in a text. A draft is kept until it is sent, and a verdict of another person is never overwritten.
import { callPath } from "./address.js";
import { ask } from "./api.js";
import { go, html, useEffect, useImperativeHandle, useRef, useState } from "./host.js";
import { kept } from "./memory.js";
import { Badge, Banner, Button, Foreign } from "./parts.js";
import { dayAndTime, named, t } from "./words.js";

const MOST_CHARS = 2000;

/** The sample that the call was opened from; null for a call of the list. */
export function queueOf(id) {
  const queue = kept.get("queue");
  return queue?.ids.includes(Number(id)) ? queue : null;
}

/** The address of the next call to judge: of the sample, or of the list that this one was opened from; null after the last. */
function nextCall(card) {
  const queue = queueOf(card.id);
  if (queue) {
    const at = queue.ids.indexOf(card.id);
    const next = [...queue.ids.slice(at + 1), ...queue.ids.slice(0, at)].find((id) => !queue.done.includes(id));
    return next ? callPath(next) : queue.back;
  }
  const items = kept.get("calls")?.answer?.items ?? [];
  const at = items.findIndex((item) => item.id === card.id);
  return at >= 0 && items[at + 1] ? callPath(items[at + 1].id) : null;
}

export function VerdictForm({ handle, card, put, again, say }) {
  const slot = `draft ${card.id}`;
  const given = card.verdict_detail;
  const [draft, setDraft] = useState(() => kept.get(slot) ?? { result: given?.result ?? null, comment: given?.comment ?? "" });
  const [state, setState] = useState({ saving: false, error: null });
  const comment = useRef(null);
  const change = (part) => setDraft((was) => ({ ...was, ...part }));
  const differs = draft.result !== (given?.result ?? null) || draft.comment !== (given?.comment ?? "");
  useEffect(() => {
    if (differs) kept.set(slot, draft);
    else kept.delete(slot);
  }, [draft, differs, slot]);

  const save = async () => {
    if (!draft.result || state.saving) {
      if (!draft.result) setState({ saving: false, error: null, unchosen: true });
      return false;
    }
    setState({ saving: true, error: null });
    const body = { result: draft.result, comment: draft.comment.trim(), text_sha256: card.text_sha256 };
    try {
      const next = await ask(`calls/${card.id}/verdict`, { method: "PUT", body, etag: card.etag });
      kept.delete(slot);
      queueOf(card.id)?.done.push(card.id);
      setDraft({ result: next.verdict_detail?.result ?? null, comment: next.verdict_detail?.comment ?? "" });
      put(next);
      setState({ saving: false, error: null });
      say(t("verdict.saved"));
      return true;
    } catch (error) {
      setState({ saving: false, error });
      return false;
    }
  };
  const saveAndNext = async () => {
    if (differs && !(await save())) return;
    const next = nextCall(card);
    if (next) go(next);
    else say(t("verdict.no_next"));
  };
  useImperativeHandle(handle, () => ({
    choose: (result) => {
      change({ result });
      if (result === "issue") comment.current.focus();
    },
    saveAndNext,
  }));
  return html`<section className="cb-panel" aria-label=${t("verdict.title")}><h2>${t("verdict.title")}</h2>
    ${given && html`<p className="cb-small"><${Badge} kind="verdict" code=${given.result} /> ${t("verdict.given", { at: dayAndTime(given.at) })}
      ${" "}<${Foreign}>${given.by}<//>${!given.of_present_text && html` · <strong>${t("verdict.of_earlier_text")}</strong>`}</p>`}
    <form onSubmit=${(event) => {
      event.preventDefault();
      save();
    }}>
      <fieldset className="cb-choice"><legend className="cb-hidden">${t("verdict.title")}</legend>
        ${[["ok", "1"], ["issue", "2"]].map(([result, key]) => html`<label key=${result} title=${key}>
          <input type="radio" name="verdict" value=${result} checked=${draft.result === result} onChange=${() => change({ result })} />
          <span>${named("verdict", result)} <kbd aria-hidden="true">${key}</kbd></span></label>`)}</fieldset>
      <label className="cb-block">${t("verdict.comment")}<textarea ref=${comment} rows="4" maxLength=${MOST_CHARS}
        value=${draft.comment} onChange=${(event) => change({ comment: event.target.value })} /></label>
      ${state.unchosen && !draft.result && html`<p role="alert" className="cb-banner cb-tone-warn">${t("verdict.choose_first")}</p>`}
      ${state.error && html`<${Conflict} error=${state.error} again=${again} />`}
      <div className="cb-row"><${Button} type="submit" look="solid" disabled=${state.saving || !differs}>${t("verdict.save")}<//>
        <${Button} look="outline" title="Ctrl+Enter" disabled=${state.saving} onClick=${saveAndNext}>${t("verdict.save_and_next")}<//></div>
      ${differs && !state.saving && html`<p className="cb-muted cb-small">${t("verdict.draft")}</p>`}
    </form></section>`;
}

/** A verdict that was not taken: what is in the form stays, the other's is shown above it after a reload of the card. */
function Conflict({ error, again }) {
  const kind = { 412: "faster", 409: "text_changed" }[error.status];
  return html`<${Banner} tone="warn" live title=${kind ? t(`verdict.${kind}`) : t("verdict.not_saved")}
    actions=${html`<${Button} look="outline" onClick=${again}>${t("verdict.show_present")}<//>`}>
    ${kind ? t(`verdict.${kind}_help`) : (error.detail ?? t("trouble.server"))}<//>`;
}
