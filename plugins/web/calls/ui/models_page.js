// The language models: which provider can be asked, which is skipped and why, what each has cost today, the table in force.
import { ask, useAnswer } from "./api.js";
import { html, useState } from "./host.js";
import { Badge, Button, Skeleton, Trouble } from "./parts.js";
import { duration, named, t, usd } from "./words.js";

const DOOR = "/callcenter/llm";
const TONES = { closed: "good", half_open: "warn", open: "bad", exhausted: "bad", misconfigured: "bad", throttled: "warn" };
const BROKEN = ["open", "half_open", "exhausted", "misconfigured", "throttled"];

export function ModelsPage() {
  const providers = useAnswer(`${DOOR}/providers`);
  const table = useAnswer(`${DOOR}/config`);
  return html`<div className="cb-page"><h1>${t("menu.models")}</h1>
    ${providers.error && html`<${Trouble} error=${providers.error} again=${providers.again} />`}
    ${!providers.data && providers.loading && html`<${Skeleton} lines=${6} />`}
    ${providers.data && html`<${Providers} found=${providers.data} again=${providers.again} />`}
    ${table.data && html`<${Table} found=${table.data} />`}</div>`;
}

function Providers({ found, again }) {
  const [error, setError] = useState(null);
  const reset = async (provider) => {
    setError(null);
    try {
      await ask(`${DOOR}/providers/${encodeURIComponent(provider)}/reset`, { method: "POST" });
      again();
    } catch (refused) {
      setError(refused);
    }
  };
  return html`<section className="cb-part"><h2>${t("models.providers")}</h2>${error && html`<${Trouble} error=${error} />`}
    <div className="cb-scroll"><table className="cb-table"><thead><tr>${["provider", "model", "state", "reason", "spent", "tasks"].map((name) =>
      html`<th key=${name} scope="col">${t(`models.${name}`)}</th>`)}<th /></tr></thead>
    <tbody>${found.map((one) => html`<tr key=${one.provider}><th scope="row">${one.provider}</th><td>${one.model}</td>
      <td><${Badge} kind="provider" code=${one.state} tone=${TONES[one.state]} /></td>
      <td>${one.reason ?? ""}${one.seconds ? html` <span className="cb-faint">${t("models.for", { time: duration(one.seconds) })}</span>` : null}</td>
      <td className="cb-number">${usd(one.spent_today_usd, 4)}</td><td>${one.tasks.map((task) => named("task", task)).join(", ")}</td>
      <td>${BROKEN.includes(one.state) && html`<${Button} look="outline" onClick=${() => reset(one.provider)}>${t("models.reset")}<//>`}</td></tr>`)}</tbody></table></div></section>`;
}

const Table = ({ found }) => html`<section className="cb-part"><h2>${t("models.table")}</h2>
  <p className="cb-faint">${t(found.failover ? "models.failover_on" : "models.failover_off")}
    ${found.version > 0 && html` ${t("models.changed_by", { version: found.version, actor: found.actor, reason: found.reason })}`}</p>
  <details><summary>${t("models.fields")}</summary><div className="cb-scroll"><table className="cb-table"><tbody>${found.fields.map((one) => html`<tr key=${one.field}>
    <th scope="row">${one.field}</th><td>${Array.isArray(one.value) ? one.value.join(", ") : String(one.value)}</td>
    <td className="cb-faint">${named("source", one.source)}</td></tr>`)}</tbody></table></div></details></section>`;
