// The tabs of a DAG run and of a batch in Airflow, and the card of its home page: the same lists, fixed to what is shown.
import { useAnswer } from "./api.js";
import { CallsPage } from "./calls_page.js";
import { hostUrl, html, useEffect, useMemo, useState } from "./host.js";
import { Badge, Empty, Go, Skeleton, Trouble } from "./parts.js";
import { Waiting } from "./runs_page.js";
import { airflowRun, coverageOf, number, periodOf, share, t, usd } from "./words.js";

const DAG = "call_export";

/** The run of a DAG run; {data: null} where the DAG is none of ours. */
function useRun(dagId, dagRunId) {
  const found = useAnswer(dagId === DAG ? `runs?limit=1&dag_run_id=${encodeURIComponent(dagRunId)}` : null);
  return { ...found, run: found.data?.items[0] ?? null };
}

export function CallsOfRun({ me, dagId, runId }) {
  const found = useRun(dagId, runId);
  const fixed = useMemo(() => found.run && { run_id: found.run.run_id, from: null, to: null }, [found.run?.run_id]);
  if (dagId !== DAG) return html`<${Empty} title=${t("tab.other_dag")}>${t("tab.other_dag_help")}<//>`;
  if (found.error) return html`<${Trouble} error=${found.error} again=${found.again} />`;
  if (!found.data) return html`<${Skeleton} lines=${6} />`;
  if (!found.run) return html`<${Empty} title=${t("tab.not_opened")}>${t("tab.not_opened_help")}<//>`;
  const run = found.run;
  return html`<div className="cb-row cb-tab"><${Badge} kind="run_status" code=${run.status} />
      <span>${t("tab.coverage", { share: share(coverageOf(run)), done: number(run.completed), of: number(run.recordings) })}</span>
      <span>${t("tab.spent", { spent: usd(run.spent_usd) })}</span>
      <${Go} to=${`runs/${run.run_id}`}>${t("tab.run")}<//></div>
    ${me.rights.includes("read") ? html`<${CallsPage} me=${me} fixed=${fixed} heading=${false} />` : html`<${Empty} title=${t("no_right.title")}>${t("no_right.help")}<//>`}`;
}

/** A batch's number is in the label that Airflow shows for its mapped task; a resumed run goes on counting. */
async function batchNumber(dagId, runId, taskId, mapIndex) {
  const path = ["api/v2/dags", dagId, "dagRuns", runId, "taskInstances", taskId, mapIndex].map((part, n) => (n === 0 ? part : encodeURIComponent(part))).join("/");
  const answer = await fetch(hostUrl(path), { credentials: "same-origin" });
  if (!answer.ok) return null;
  const label = (await answer.json()).rendered_map_index ?? "";
  return Number(/\d+/.exec(label)?.[0] ?? Number.NaN);
}

export function CallsOfBatch({ me, dagId, runId, taskId, mapIndex }) {
  const found = useRun(dagId, runId);
  const [batch, setBatch] = useState(null);
  const mapped = dagId === DAG && Number(mapIndex) >= 0 && taskId.startsWith("batch.");
  useEffect(() => {
    let here = true;
    if (mapped) batchNumber(dagId, runId, taskId, mapIndex).catch(() => null).then((no) => here && setBatch(no ?? Number.NaN));
    return () => {
      here = false;
    };
  }, [dagId, runId, taskId, mapIndex, mapped]);
  const fixed = useMemo(() => found.run && batch >= 0 && { run_id: found.run.run_id, batch_no: batch, from: null, to: null }, [found.run?.run_id, batch]);
  if (!mapped) return html`<${Empty} title=${t("tab.no_batch")} />`;
  if (found.error) return html`<${Trouble} error=${found.error} again=${found.again} />`;
  if (Number.isNaN(batch)) return html`<${Empty} title=${t("tab.no_batch_yet")} />`;
  if (!fixed) return html`<${Skeleton} lines=${6} />`;
  return me.rights.includes("read") ? html`<${CallsPage} me=${me} fixed=${fixed} heading=${false} />` : html`<${Empty} title=${t("no_right.title")}>${t("no_right.help")}<//>`;
}

/** Nothing at all for people without rights: the home page is everybody's. */
export function HomeCard({ me }) {
  const found = useAnswer("runs?limit=10");
  const runs = found.data?.items ?? [];
  const last = runs.find((run) => !run.dry_run);
  const waiting = runs.filter((run) => run.status === "running" && run.forecast_usd !== null && run.approved_usd === null);
  if (!last) return null;
  return html`<section className="cb-panel cb-home" aria-label=${t("home.title")}><h2>${t("home.title")}</h2>
    ${waiting.length > 0 && html`<${Waiting} runs=${waiting} />`}
    <dl className="cb-facts"><div><dt>${t("home.last")}</dt><dd><${Go} to=${`runs/${last.run_id}`}>${periodOf(last)}<//>
        ${" "}<${Badge} kind="run_status" code=${last.status} /></dd></div>
      <div><dt>${t("runs.coverage")}</dt><dd>${share(coverageOf(last))}</dd></div>
      <div><dt>${t("runs.errors")}</dt><dd>${number(last.errors)}</dd></div>
      <div><dt>${t("runs.spent")}</dt><dd>${usd(last.spent_usd)}</dd></div></dl>
    <div className="cb-row">${me.rights.includes("read") && html`<${Go} to="">${t("menu.calls")}<//>`}
      ${me.rights.includes("check") && html`<${Go} to=${`qa/${last.run_id}`}>${t("home.to_check")}<//>`}
      <${Go} host to=${airflowRun(last.worked_by)}>${t("call.run_in_airflow")}<//></div></section>`;
}
