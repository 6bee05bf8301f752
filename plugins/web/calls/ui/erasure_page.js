// Erasures on a person's demand: asking, the second person's decision, and what a second look found after the erasing.
import { ask, useAnswer } from "./api.js";
import { html, useState } from "./host.js";
import { Badge, Banner, Button, Dialog, Empty, Foreign, Skeleton, Trouble, useAnnouncement } from "./parts.js";
import { dayAndTime, named, number, t } from "./words.js";

export function ErasurePage() {
  const found = useAnswer("erasures?limit=50");
  const [asking, setAsking] = useState(false);
  const [announcement, say] = useAnnouncement();
  const rows = found.data?.items ?? [];
  return html`<div className="cb-page">${announcement}<div className="cb-row cb-spread"><h1>${t("menu.erasure")}</h1>
      <div className="cb-row"><${Button} look="outline" onClick=${found.again}>${t("erasure.reload")}<//>
      <${Button} look="solid" onClick=${() => setAsking(true)}>${t("erasure.ask")}<//></div></div>
    <p className="cb-muted">${t("erasure.help")}</p>
    ${found.error && html`<${Trouble} error=${found.error} again=${found.again} />`}
    ${found.loading && !found.data && html`<${Skeleton} lines=${4} height=${90} />`}
    ${found.data && rows.length === 0 && html`<${Empty} title=${t("erasure.none")} />`}
    ${rows.map((row) => html`<${Demand} key=${row.id} row=${row} say=${say} again=${found.again} />`)}
    ${asking && html`<${AskDialog} close=${() => setAsking(false)} />`}</div>`;
}

function Demand({ row, say, again }) {
  const [state, setState] = useState({ busy: false, error: null, answered: false });
  const decide = (decision) => async () => {
    setState({ busy: true, error: null, answered: false });
    try {
      await ask(`erasures/${row.id}/decision`, { method: "POST", body: { decision } });
      setState({ busy: false, error: null, answered: true });
      say(t("erasure.answered"));
    } catch (error) {
      setState({ busy: false, error, answered: false });
    }
  };
  const facts = [
    [t("erasure.reason"), row.reason],
    [t("erasure.asked_by"), row.asked_by],
    [t("erasure.triggered_by"), `${row.triggered_by}, ${dayAndTime(row.demanded_at)}`],
    row.decided_at && [t("erasure.decided_by"), `${row.decided_by ?? t("none")}, ${dayAndTime(row.decided_at)}`],
    row.settled_at && [t("erasure.settled_at"), dayAndTime(row.settled_at)],
  ].filter(Boolean);
  return html`<article className="cb-panel">
    <div className="cb-row cb-spread"><h2>${named("erasure_kind", row.kind)} <bdi>${row.subject}</bdi></h2><${Badge} kind="erasure_status" code=${row.status} /></div>
    <dl className="cb-facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd><${Foreign}>${value}<//></dd></div>`)}</dl>
    ${row.left && html`<${Proof} left=${row.left} id=${row.id} />`}
    ${state.error && html`<${Banner} tone="warn" live title=${t("erasure.not_answered")} actions=${html`<${Button} look="outline" onClick=${again}>${t("erasure.reload")}<//>`}>
      ${state.error.detail ?? t("trouble.server")}<//>`}
    ${state.answered && html`<p>${t("erasure.answered")}</p>`}
    ${row.may_decide && !state.answered && html`<div className="cb-row">
      ${row.may_approve ? html`<${Button} look="solid" disabled=${state.busy} onClick=${decide("approve")}>${t("erasure.approve")}<//>` : html`<span className="cb-muted">${t("erasure.own")}</span>`}
      <${Button} look="outline" disabled=${state.busy} onClick=${decide("refuse")}>${t("erasure.refuse")}<//></div>`}
    ${row.status === "asked" && !row.may_decide && html`<p className="cb-muted">${t("erasure.waits")}</p>`}</article>`;
}

/** What a search through rows and files found once everything was erased. */
function Proof({ left, id }) {
  const places = Object.entries(left).filter(([, count]) => count > 0);
  return html`<p>${places.length === 0 ? html`<strong>${t("erasure.nothing_left")}</strong>` : t("erasure.left", { what: places.map(([place, count]) => `${named("left", place)} ${number(count)}`).join(", ") })}
    ${" "}<span className="cb-muted">${t("erasure.proof")} <code>erasures/${id}/</code></span></p>`;
}

/** `call`: the call of the page that it was opened from; without one a number is asked for. */
export function AskDialog({ call = null, close }) {
  const [asked, setAsked] = useState({ number: "", reason: "", asked_by: "", demanded_on: "" });
  const [state, setState] = useState({ busy: false, error: null, started: false });
  const field = (name) => (event) => setAsked((was) => ({ ...was, [name]: event.target.value }));
  const send = async (event) => {
    event.preventDefault();
    setState({ busy: true, error: null, started: false });
    const subject = call ? { call } : { number: asked.number };
    const body = { ...subject, reason: asked.reason, asked_by: asked.asked_by, demanded_on: asked.demanded_on || null };
    try {
      await ask("erasures", { method: "POST", body });
      setState({ busy: false, error: null, started: true });
    } catch (error) {
      setState({ busy: false, error, started: false });
    }
  };
  return html`<${Dialog} title=${t("erasure.ask")} close=${close}>
    ${state.started ? html`<p role="status">${t("erasure.started")}</p>` : html`<form className="cb-form" onSubmit=${send}>
      <p>${call ? t("erasure.of_call") : t("erasure.of_number")}</p>
      ${!call && html`<label className="cb-block">${t("erasure.number")}<input required value=${asked.number} inputMode="tel" maxLength="24" autoComplete="off" onChange=${field("number")} /></label>`}
      <label className="cb-block">${t("erasure.reason")}<input required value=${asked.reason} maxLength="300" onChange=${field("reason")} /></label>
      <label className="cb-block">${t("erasure.asked_by")}<input required value=${asked.asked_by} maxLength="300" onChange=${field("asked_by")} /></label>
      <label className="cb-block">${t("erasure.demanded_on")}<input type="date" value=${asked.demanded_on} onChange=${field("demanded_on")} /></label>
      <p className="cb-muted cb-small">${t("erasure.stays")}</p>
      ${state.error && html`<${Banner} tone="warn" live title=${t("erasure.not_started")}>${state.error.detail ?? t("trouble.server")}<//>`}
      <div className="cb-row"><${Button} type="submit" look="solid" disabled=${state.busy}>${t("erasure.send")}<//></div></form>`}<//>`;
}
