// Calls that a person takes out together: what was asked for, until when, and the file, which is made while it is taken.
import { apiUrl, ask, useAnswer } from "./api.js";
import { searchBody } from "./address.js";
import { html, useState } from "./host.js";
import { Banner, Button, Dialog, Empty, Go, Icon, Skeleton, Table, Trouble } from "./parts.js";
import { dayAndTime, named, number, t } from "./words.js";

const WHAT = ["text", "audio", "registry"];

export function BundlesPage() {
  const found = useAnswer("bundles");
  const rows = found.data ?? [];
  return html`<div className="cb-page"><h1>${t("menu.bundles")}</h1><p className="cb-muted">${t("bundles.help")}</p>
    ${found.error && html`<${Trouble} error=${found.error} again=${found.again} />`}
    ${found.loading && !found.data && html`<${Skeleton} lines=${4} />`}
    ${found.data && rows.length === 0 && html`<${Empty} title=${t("bundles.none")} actions=${html`<${Go} to="" className="cb-button cb-solid">${t("menu.calls")}<//>`}>
      ${t("bundles.none_help")}<//>`}
    ${rows.length > 0 && html`<${Table} label=${t("menu.bundles")} rows=${rows} rowKey=${(row) => row.id} columns=${[
      ["at", t("bundles.asked"), (row) => dayAndTime(row.asked_at)],
      ["what", t("bundles.what"), (row) => row.what.map((one) => named("what", one)).join(", ")],
      ["calls", t("runs.calls"), (row) => number(row.calls), { number: true }],
      ["until", t("bundles.until"), (row) => dayAndTime(row.expires_at)],
      ["file", t("bundles.file"), (row) => html`<a className="cb-button cb-outline" href=${apiUrl(`bundles/${row.id}/file`)} onClick=${() => setTimeout(found.again, 2000)}
        ><${Icon} name="download" />${t("download")}</a>${row.taken_at && html` <span className="cb-muted cb-small">${t("bundles.taken", { at: dayAndTime(row.taken_at) })}</span>`}`],
    ]} />`}</div>`;
}

/** From the list: what is wanted of the calls that it shows. */
export function BundleDialog({ asked, fixed, hears, close }) {
  const [what, setWhat] = useState(["text", "registry"]);
  const [state, setState] = useState({ busy: false, error: null, made: null });
  const toggle = (one) => setWhat((was) => (was.includes(one) ? was.filter((name) => name !== one) : [...was, one]));
  const make = async () => {
    setState({ busy: true, error: null, made: null });
    try {
      const search = { ...searchBody(asked, new Date(), { facets: false }), ...fixed };
      setState({ busy: false, error: null, made: await ask("bundles", { method: "POST", body: { search, what } }) });
    } catch (error) {
      setState({ busy: false, error, made: null });
    }
  };
  return html`<${Dialog} title=${t("bundles.make")} close=${close}>
    ${state.made ? html`<p role="status">${t("bundles.made", { n: state.made.calls })}</p>
      <div className="cb-row"><a className="cb-button cb-solid" href=${apiUrl(`bundles/${state.made.id}/file`)}>${t("download")}</a>
        <${Go} to="bundles" className="cb-button cb-outline">${t("menu.bundles")}<//></div>`
      : html`<div className="cb-form"><p>${t("bundles.make_help")}</p>
      <fieldset className="cb-block"><legend className="cb-hidden">${t("bundles.what")}</legend>${WHAT.filter((one) => hears || one !== "audio").map((one) => html`<label key=${one}>
        <input type="checkbox" checked=${what.includes(one)} onChange=${() => toggle(one)} /> ${named("what", one)}</label>`)}</fieldset>
      ${state.error && html`<${Banner} tone="warn" live title=${t("bundles.not_made")}>${state.error.detail ?? t("trouble.server")}<//>`}
      <div className="cb-row"><${Button} look="solid" disabled=${state.busy || !what.length} onClick=${make}>${t("bundles.make_it")}<//></div></div>`}
  <//>`;
}
