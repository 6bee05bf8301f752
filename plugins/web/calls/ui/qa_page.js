// The sample of a run that people listen to: how far it is, and the next call without a verdict.
import { callPath } from "./address.js";
import { useAnswer } from "./api.js";
import { otherSide } from "./calls_page.js";
import { go, html, useEffect, useRef } from "./host.js";
import { kept } from "./memory.js";
import { Badge, Button, Empty, Flag, Foreign, Go, Skeleton, Table, Trouble, useKeys } from "./parts.js";
import { dayAndTime, duration, number, periodOf, share, t } from "./words.js";

export function QaPage({ id }) {
  return id ? html`<${Sample} key=${id} id=${id} />` : html`<${ChooseRun} />`;
}

function Sample({ id }) {
  const found = useAnswer(`qa/${encodeURIComponent(id)}`);
  const root = useRef(null);
  const queue = found.data;
  useEffect(() => root.current?.focus({ preventScroll: true }), [queue === null]);
  const open = (call) => {
    kept.set("queue", { back: `qa/${id}`, ids: queue.items.map((item) => item.id), done: queue.items.filter((item) => item.result).map((item) => item.id) });
    kept.delete("opened");
    go(callPath(call));
  };
  useKeys(root, { Enter: () => queue?.next && open(queue.next) });
  const chosen = (call) => (event) => {
    event.preventDefault();
    open(call);
  };
  return html`<div ref=${root} tabIndex="-1" className="cb-page cb-call-page"><p className="cb-back"><${Go} to=${`runs/${id}`}>← ${t("qa.back")}<//></p>
    <h1>${t("qa.title")}</h1>
    ${found.error && html`<${Trouble} error=${found.error} again=${found.again} />`}
    ${found.loading && !queue && html`<${Skeleton} lines=${8} />`}
    ${queue?.items.length === 0 && html`<${Empty} title=${t("qa.empty")}>${t("qa.empty_help")}<//>`}
    ${queue?.items.length > 0 && html`<div className="cb-row cb-spread"><div className="cb-block">
        <label>${t("qa.progress", { done: queue.checked, of: queue.items.length })} <progress max=${queue.items.length} value=${queue.checked} /></label>
        <span className="cb-muted">${queue.checked ? t("qa.issues", { n: queue.issues, share: share(queue.issues / queue.checked) }) : t("qa.nothing_checked")}</span></div>
      ${queue.next ? html`<${Button} look="solid" icon="play" title="Enter" onClick=${() => open(queue.next)}>${t("qa.next")}<//>`
        : html`<strong>${t("qa.done")}</strong>`}</div>
      <${Table} label=${t("qa.title")} rows=${queue.items} rowKey=${(item) => item.id} columns=${[
        ["call", t("qa.call"), (item) => html`<${Go} to=${callPath(item.id)} onClick=${chosen(item.id)}>${dayAndTime(item.at)}<//>`],
        ["who", t("call.employee"), (item) => html`<${Foreign}>${item.employee ?? t("employee.unknown")}<//> <bdi className="cb-muted">${otherSide(item)}</bdi>`],
        ["duration", t("call.duration"), (item) => duration(item.duration_sec), { number: true }],
        ["flags", t("facet.flags"), (item) => item.flags.map((flag) => html`<${Flag} key=${flag} code=${flag} />`)],
        ["result", t("facet.verdicts"), (item) => html`<${Badge} kind="verdict" code=${item.result ?? "none"} />`],
        ["by", t("qa.by"), (item) => html`<${Foreign}>${item.by ?? ""}<//>`],
      ]} />`}
  </div>`;
}

function ChooseRun() {
  const found = useAnswer("runs?limit=30");
  const rows = (found.data?.items ?? []).filter((run) => !run.dry_run && run.completed > 0);
  return html`<div className="cb-page"><h1>${t("qa.title")}</h1>
    ${found.error && html`<${Trouble} error=${found.error} again=${found.again} />`}
    ${found.loading && !found.data && html`<${Skeleton} lines=${5} />`}
    ${found.data && rows.length === 0 && html`<${Empty} title=${t("qa.no_runs")}>${t("qa.no_runs_help")}<//>`}
    ${rows.length > 0 && html`<p>${t("qa.choose")}</p><${Table} label=${t("qa.title")} rows=${rows} rowKey=${(run) => run.run_id} columns=${[
      ["period", t("runs.period"), (run) => html`<${Go} to=${`qa/${run.run_id}`}>${periodOf(run)}<//>`],
      ["status", t("runs.status"), (run) => html`<${Badge} kind="run_status" code=${run.status} />`],
      ["texts", t("qa.texts"), (run) => number(run.completed), { number: true }],
    ]} />`}</div>`;
}
