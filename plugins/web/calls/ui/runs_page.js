// Runs: the table with its charts, and one run with what its calls are now.
import { apiUrl, useAnswer, ask } from "./api.js";
import { Bars } from "./charts.js";
import { html, useState } from "./host.js";
import { Badge, Button, Empty, Foreign, Go, Skeleton, Table, Trouble } from "./parts.js";
import { airflowRun, coverageOf, day, dayAndTime, duration, minutesOf, named, number, periodOf as period, seconds, share, t, usd } from "./words.js";

export function RunsPage({ me, id }) {
  return id ? html`<${OneRun} key=${id} id=${id} me=${me} />` : html`<${AllRuns} me=${me} />`;
}

const took = (run) => (run.started_at && run.finished_at ? duration((new Date(run.finished_at) - new Date(run.started_at)) / 1000) : t("none"));

function AllRuns() {
  const first = useAnswer("runs?limit=30");
  const [later, setLater] = useState({ items: [], cursor: null, error: null });
  const charts = useAnswer("runs/series?days=90");
  const rows = [...(first.data?.items ?? []), ...later.items];
  const cursor = later.items.length ? later.cursor : first.data?.cursor;
  const more = async () => {
    try {
      const page = await ask(`runs?limit=30&cursor=${cursor}`);
      setLater((was) => ({ items: [...was.items, ...page.items], cursor: page.cursor, error: null }));
    } catch (error) {
      setLater((was) => ({ ...was, error }));
    }
  };
  const waiting = rows.filter((run) => run.status === "running" && run.forecast_usd !== null && run.approved_usd === null);
  return html`<div className="cb-page"><h1>${t("menu.runs")}</h1>
    ${waiting.length > 0 && html`<${Waiting} runs=${waiting} />`}
    ${first.error && html`<${Trouble} error=${first.error} again=${first.again} />`}
    ${charts.error && html`<${Trouble} what=${t("charts.title")} error=${charts.error} again=${charts.again} />`}
    ${charts.data && html`<${Charts} series=${charts.data} />`}
    ${!first.data && first.loading && html`<${Skeleton} lines=${6} />`}
    ${first.data && rows.length === 0 && html`<${Empty} title=${t("runs.none")} actions=${html`<${Go} className="cb-button cb-solid" host
      to="dags/call_export">${t("calls.start_export")}<//>`}>${t("calls.none_at_all_help")}<//>`}
    ${rows.length > 0 && html`<${Table} label=${t("menu.runs")} rows=${rows} rowKey=${(run) => run.run_id} columns=${[
      ["period", t("runs.period"), (run) => html`<${Go} to=${`runs/${run.run_id}`}>${period(run)}<//>`],
      ["status", t("runs.status"), (run) => html`<${Badge} kind="run_status" code=${run.status} />${run.dry_run && html` <span className="cb-badge">${t("runs.dry")}</span>`}`],
      ["coverage", t("runs.coverage"), (run) => share(coverageOf(run)), { number: true }],
      ["calls", t("runs.calls"), (run) => number(run.recordings), { number: true }],
      ["errors", t("runs.errors"), (run) => number(run.errors), { number: true }],
      ["minutes", t("runs.minutes"), (run) => minutesOf(run.minutes), { number: true }],
      ["spent", t("runs.spent"), (run) => usd(run.spent_usd), { number: true }],
      ["forecast", t("runs.forecast"), (run) => usd(run.forecast_usd), { number: true }],
      ["took", t("runs.took"), took, { number: true }],
      ["who", t("runs.who"), (run) => html`<${Foreign}>${run.actor}<//>`],
    ]} />`}
    ${later.error && html`<${Trouble} error=${later.error} again=${more} />`}
    ${cursor && html`<div className="cb-row cb-centred"><${Button} look="outline" onClick=${more}>${t("runs.more")}<//></div>`}
  </div>`;
}

/** Money is decided in Airflow alone: here is the way to the question. */
export function Waiting({ runs }) {
  const sum = runs.reduce((total, run) => total + Number(run.forecast_usd), 0);
  return html`<div className="cb-banner cb-tone-warn"><div><strong>${t("runs.waiting", { sum: usd(sum), n: runs.length })}</strong></div>
    <div className="cb-row"><${Go} host to="required_actions" className="cb-button cb-outline">${t("runs.to_questions")}<//></div></div>`;
}

function Charts({ series }) {
  const days = series.days.map((one) => ({ key: one.day, label: day(one.day), parts: one }));
  const runs = series.runs.map((one) => ({ key: one.run_id, label: dayAndTime(one.at), parts: one }));
  const whole = (value) => number(value);
  return html`<div className="cb-charts" aria-label=${t("charts.title")}>
    <${Bars} title=${t("charts.coverage")} bars=${days} format=${whole} parts=${[
      ["completed", t("charts.completed")], ["errors", t("charts.errors")], ["missing", t("charts.missing")], ["waiting", t("charts.waiting")]]}
      columns=${[["share", t("runs.coverage"), (bar) => share(coverageOf(bar.parts)), { number: true }]]} />
    <${Bars} title=${t("charts.minutes")} bars=${days} format=${minutesOf} parts=${[["minutes", t("runs.minutes")]]}
      columns=${[["calls", t("runs.calls"), (bar) => number(bar.parts.completed), { number: true }]]} />
    <${Bars} title=${t("charts.money")} bars=${runs.map((bar) => ({ ...bar, parts: { spent: bar.parts.spent_usd, unspent: Math.max(0, Number(bar.parts.forecast_usd ?? 0) - Number(bar.parts.spent_usd)) } }))}
      format=${(value) => usd(value)} parts=${[["spent", t("charts.spent")], ["unspent", t("charts.unspent")]]}
      columns=${[["forecast", t("runs.forecast"), (bar) => usd(series.runs.find((one) => one.run_id === bar.key).forecast_usd), { number: true }]]} />
    <${Bars} title=${t("charts.time")} note=${t("charts.time_note")} bars=${runs.map((bar) => ({ ...bar, parts: bar.parts.seconds }))} format=${seconds} parts=${
      ["list_calls", "download", "transcribe", "summarize", "publish"].map((stage) => [stage, named("stage", stage)])} />
  </div>`;
}

function OneRun({ id, me }) {
  const found = useAnswer(`runs/${encodeURIComponent(id)}`);
  const run = found.data;
  if (!run) {
    return html`<div className="cb-page"><h1>${t("menu.run")}</h1><${BackToRuns} />
      ${found.error ? html`<${Trouble} error=${found.error} again=${found.again} />` : html`<${Skeleton} lines=${5} />`}</div>`;
  }
  const reads = me.rights.includes("read");
  const facts = [
    [t("runs.status"), html`<${Badge} kind="run_status" code=${run.status} />`],
    [t("runs.coverage"), share(coverageOf(run))],
    [t("runs.calls"), number(run.recordings)],
    [t("runs.minutes"), minutesOf(run.minutes)],
    [t("runs.spent"), usd(run.spent_usd)],
    [t("runs.forecast"), usd(run.forecast_usd)],
    [t("runs.approved"), usd(run.approved_usd)],
    [t("runs.took"), took(run)],
    [t("runs.who"), html`<${Foreign}>${run.actor}<//>`],
  ];
  return html`<div className="cb-page"><${BackToRuns} /><h1>${t("runs.heading", { period: period(run) })}</h1>
    <dl className="cb-facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${run.verdict && html`<p><${Foreign}>${run.verdict}<//></p>`}
    <div className="cb-row">
      ${reads && html`<${Go} to=${`#run_id=${id}&days=all`} className="cb-button cb-solid">${t("runs.its_calls")}<//>`}
      ${me.rights.includes("check") && html`<${Go} to=${`qa/${id}`} className="cb-button cb-outline">${t("runs.its_sample")}<//>`}
      <${Go} host to=${airflowRun(run.worked_by)} className="cb-button cb-outline">${t("call.run_in_airflow")}<//>
      ${run.files.map(({ what, written_at }) => html`<a key=${what} className="cb-button cb-outline" href=${apiUrl(`runs/${id}/${what}`)}
        target=${what === "report" ? "_blank" : undefined} title=${t("runs.written", { at: dayAndTime(written_at) })}>${named("run_file", what)}</a>`)}
      ${run.grafana_url && html`<a className="cb-button cb-outline" href=${run.grafana_url} target="_blank" rel="noopener noreferrer">${t("runs.grafana")}</a>`}</div>
    <div className="cb-counts">
      <${Counts} title=${t("facet.statuses")} kind="status" filter="statuses" values=${run.statuses} id=${id} reads=${reads} />
      <${Counts} title=${t("runs.by_error")} kind="error" filter=${null} values=${run.error_codes} id=${id} reads=${reads} />
      <${Counts} title=${t("facet.flags")} kind="flag" filter="flags" values=${run.flags} id=${id} reads=${reads} />
      <${Counts} title=${t("facet.verdicts")} kind="verdict" filter="verdicts" values=${run.verdicts} id=${id} reads=${reads} /></div>
  </div>`;
}

const BackToRuns = () => html`<p className="cb-back"><${Go} to="runs">← ${t("runs.back")}<//></p>`;

/** Counted values; each leads to the calls that have it. Of error codes the list knows no filter, so they lead to all errors. */
function Counts({ title, kind, filter, values, id, reads }) {
  if (!values.length) return null;
  const asked = (value) => `#run_id=${id}&days=all&${filter ? `${filter}=${encodeURIComponent(value)}` : "statuses=error"}`;
  return html`<section className="cb-panel"><h2>${title}</h2><ul className="cb-values">${values.map(([value, calls]) => html`<li key=${value}>
    <span className="cb-grow">${reads ? html`<${Go} to=${asked(value)}>${named(kind, value)}<//>` : named(kind, value)}</span>
    <span className="cb-number">${number(calls)}</span></li>`)}</ul></section>`;
}
