// What is set: the reviewed policy, which connections are there, how far the search is. No secret ever comes here.
import { useAnswer } from "./api.js";
import { html } from "./host.js";
import { Badge, Foreign, Skeleton, Table, Trouble } from "./parts.js";
import { number, t } from "./words.js";

export function SettingsPage() {
  const found = useAnswer("settings");
  const shown = found.data;
  if (!shown) {
    return html`<div className="cb-page"><h1>${t("menu.settings")}</h1>
      ${found.error ? html`<${Trouble} error=${found.error} again=${found.again} />` : html`<${Skeleton} lines=${8} />`}</div>`;
  }
  const connections = Object.entries(shown.connections);
  return html`<div className="cb-page"><h1>${t("menu.settings")}</h1><p className="cb-muted">${t("settings.help")}</p>
    <dl className="cb-facts"><div><dt>${t("settings.version")}</dt><dd><code>${shown.version}</code></dd></div>
      <div><dt>${t("settings.index")}</dt><dd>${shown.index.of ? t("settings.indexed", { done: number(shown.index.done), of: number(shown.index.of) }) : t("settings.all_indexed")}</dd></div></dl>
    <h2>${t("settings.connections")}</h2>
    <${Table} label=${t("settings.connections")} rows=${connections} rowKey=${([name]) => name} columns=${[
      ["name", t("settings.name"), ([name]) => html`<code>${name}</code>`],
      ["set", t("settings.state"), ([, set]) => html`<${Badge} kind="set" code=${set ? "yes" : "no"} tone=${set ? "good" : "plain"} />`],
    ]} />
    <h2>${t("settings.policy")}</h2>
    ${Object.entries(shown.policy).map(([section, values]) => html`<details key=${section} className="cb-facets"><summary><code>${section}</code></summary>
      <${Table} label=${section} rows=${flat(values)} rowKey=${([name]) => name} columns=${[
        ["name", t("settings.name"), ([name]) => html`<code>${name}</code>`],
        ["value", t("settings.value"), ([, value]) => html`<${Foreign}>${value}<//>`],
      ]} /></details>`)}</div>`;
}

/** Nested values with their path: {a: {b: 1}} -> [["a.b", "1"]]. */
export function flat(value, path = "") {
  if (value === null || typeof value !== "object") return [[path || "—", String(value ?? "—")]];
  if (Array.isArray(value) && value.every((one) => one === null || typeof one !== "object")) return [[path || "—", value.join(", ") || "—"]];
  const inside = Object.entries(value).flatMap(([name, one]) => flat(one, path ? `${path}.${name}` : name));
  return inside.length ? inside : [[path || "—", "—"]];
}
