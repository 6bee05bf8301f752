// Who did what with which call. The log can only be added to; nothing on this page changes it.
import { callPath } from "./address.js";
import { ask } from "./api.js";
import { html, useCallback, useEffect, useState } from "./host.js";
import { Button, Foreign, Go, Skeleton, Table, Trouble } from "./parts.js";
import { saveTable } from "./spreadsheet.js";
import { dayAndTime, named, t } from "./words.js";

const ACTIONS = [
  "calls_searched", "search_shared", "call_opened", "text_read", "history_read", "call_heard", "audio_taken", "number_shown",
  "call_checked", "roles_changed", "bundle_asked", "bundle_taken", "erasure_asked", "erasure_approved", "erasure_refused", "erasure_settled",
  "run_file_taken", "access_denied", "export_started", "export_ended", "texts_delivered", "files_fetched", "policy_changed", "secret_changed",
];
const NOTHING = { actor: "", action: "", call: "", since: "", before: "" };

/** Names are typed, and an address is logged, so the filter travels in the body of a POST. */
const bodyOf = (asked, cursor, limit = 50) => ({
  ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== "")),
  ...(asked.call ? { call: Number(asked.call) } : {}), ...(cursor ? { cursor } : {}), limit,
});

export function AuditPage({ me }) {
  const [asked, setAsked] = useState(NOTHING);
  const [state, setState] = useState({ items: null, cursor: null, error: null, loading: true });
  const load = useCallback(async (wanted, before) => {
    setState((was) => ({ ...was, loading: true, error: null }));
    try {
      const page = await ask("audit", { method: "POST", body: bodyOf(wanted, before?.cursor) });
      setState({ items: [...(before?.items ?? []), ...page.items], cursor: page.cursor, error: null, loading: false });
    } catch (error) {
      setState((was) => ({ ...was, error, loading: false }));
    }
  }, []);
  useEffect(() => {
    load(NOTHING, null);
  }, [load]);
  const field = (name) => (event) => setAsked((was) => ({ ...was, [name]: event.target.value }));
  const submit = (event) => {
    event.preventDefault();
    load(asked, null);
  };
  return html`<div className="cb-page"><h1>${t("menu.audit")}</h1><p className="cb-muted">${t("audit.help")}</p>
    <form className="cb-row" role="search" onSubmit=${submit}>
      <label className="cb-block">${t("audit.who")}<input value=${asked.actor} maxLength="250" onChange=${field("actor")} autoComplete="off" /></label>
      <label className="cb-block">${t("audit.what")}<select value=${asked.action} onChange=${field("action")}><option value="">${t("audit.any")}</option>
        ${ACTIONS.map((code) => html`<option key=${code} value=${code}>${named("action", code)}</option>`)}</select></label>
      <label className="cb-block">${t("audit.call")}<input value=${asked.call} inputMode="numeric" pattern="[0-9]*" maxLength="18" size="9" onChange=${field("call")} /></label>
      <label className="cb-block">${t("calls.from")}<input type="date" value=${asked.since} onChange=${field("since")} /></label>
      <label className="cb-block">${t("calls.to")}<input type="date" value=${asked.before} onChange=${field("before")} /></label>
      <${Button} type="submit" look="solid" icon="search">${t("calls.search")}<//>
      ${state.items?.length > 0 && html`<${Button} look="outline" icon="download" onClick=${() => saveTable("audit", HEAD(), state.items.map(cellsOf))}>${t("audit.save")}<//>`}
    </form>
    ${state.error && html`<${Trouble} error=${state.error} again=${() => load(asked, null)} />`}
    ${!state.items && state.loading && html`<${Skeleton} lines=${8} />`}
    ${state.items && html`<${Table} label=${t("menu.audit")} rows=${state.items} rowKey=${(row) => row.entry_no} empty=${t("calls.nothing_found")} columns=${[
      ["no", "№", (row) => row.entry_no, { number: true }],
      ["at", t("audit.when"), (row) => html`<time dateTime=${row.at}>${dayAndTime(row.at, { seconds: true })}</time>`],
      ["who", t("audit.who"), (row) => html`<${Foreign}>${row.actor}<//>`],
      ["what", t("audit.what"), (row) => named("action", row.action)],
      ["call", t("audit.call"), (row) => row.call && (me.rights.includes("read") ? html`<${Go} to=${callPath(row.call)}>${row.call}<//>` : row.call)],
      ["detail", t("audit.detail"), (row) => html`<span className="cb-detail"><${Foreign}>${detailOf(row)}<//></span>`],
    ]} />`}
    ${state.cursor && html`<div className="cb-row cb-centred"><${Button} look="outline" disabled=${state.loading}
      onClick=${() => load(asked, state)}>${t("calls.next_page")}<//></div>`}</div>`;
}

const HIDDEN = new Set(["call", "request", "user"]);

const detailOf = (row) => [row.reason, ...Object.entries(row.detail)
  .filter(([name, value]) => !HIDDEN.has(name) && value !== "" && value !== null)
  .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`)].filter(Boolean).join(", ");

const HEAD = () => ["№", t("audit.when"), t("audit.who"), t("audit.what"), t("audit.call"), t("call.run"), t("audit.detail")];
const cellsOf = (row) => [row.entry_no, row.at, row.actor, named("action", row.action), row.call ?? "", row.run_id ?? "", detailOf(row)];
