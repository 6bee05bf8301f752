// The application inside Airflow's page: which page an address means, who may see it, what language it speaks.
import { route } from "./address.js";
import { VERSION, useAnswer } from "./api.js";
import { html, ownPath, useEffect, useHostNavigation, useState, watchLanguage } from "./host.js";
import { CallPage } from "./call_page.js";
import { CallsPage } from "./calls_page.js";
import { Banner, Boundary, Button, Empty, Go, Skeleton, Trouble, later } from "./parts.js";
import { language, learn, learned, t } from "./words.js";

// What most visits do not need comes when it is first shown.
const AuditPage = later(() => import("./audit_page.js"), "AuditPage");
const BundlesPage = later(() => import("./bundles_page.js"), "BundlesPage");
const ErasurePage = later(() => import("./erasure_page.js"), "ErasurePage");
const ModelsPage = later(() => import("./models_page.js"), "ModelsPage");
const QaPage = later(() => import("./qa_page.js"), "QaPage");
const qualityPage = () => import("./quality_page.js");
const QualityPage = later(qualityPage, "QualityPage");
const ScoresOfRun = later(qualityPage, "ScoresOfRun");
const RunsPage = later(() => import("./runs_page.js"), "RunsPage");
const SettingsPage = later(() => import("./settings_page.js"), "SettingsPage");
const runTabs = () => import("./run_tabs.js");
const CallsOfRun = later(runTabs, "CallsOfRun");
const CallsOfBatch = later(runTabs, "CallsOfBatch");
const HomeCard = later(runTabs, "HomeCard", null);

// page, the right that it needs, its component
const PAGES = [
  ["calls", "read", ({ me }) => html`<${CallsPage} me=${me} />`],
  ["call", "read", ({ me, id }) => html`<${CallPage} key=${id} id=${id} me=${me} />`],
  ["qa", "check", ({ id }) => html`<${QaPage} id=${id} />`],
  ["runs", "runs", ({ me, id }) => html`<${RunsPage} me=${me} id=${id} />`],
  ["bundles", "take", () => html`<${BundlesPage} />`],
  ["erasure", "ask", () => html`<${ErasurePage} />`],
  ["quality", "read", ({ me, id }) => html`<${QualityPage} key=${id} me=${me} id=${id} />`],
  ["models", "runs", () => html`<${ModelsPage} />`],
  ["audit", "audit", ({ me }) => html`<${AuditPage} me=${me} />`],
  ["settings", "runs", () => html`<${SettingsPage} />`],
];
const IN_THE_MENU = PAGES.map(([page, right]) => [page, right]).filter(([page]) => page !== "call");

const OF_QUALITY = ["quality", "models"]; // where scores are switched on

/** Whether the reader may see a page of this name, which needs this right. */
const allowed = (me, page, right) => me.rights.includes(right) && (me.quality || !OF_QUALITY.includes(page));

/** What every entry needs around it. */
function Framed({ children }) {
  const [spoken, setSpoken] = useState(learned());
  useEffect(() => {
    const follow = async () => {
      const now = language();
      await learn(now);
      setSpoken(now);
    };
    const unwatch = watchLanguage(follow);
    follow(); // Airflow may have changed it after the first drawing and before anybody watched
    return unwatch;
  }, []);
  return html`<div className="cb" lang=${spoken}><${Boundary} key=${spoken}>${children}<//></div>`;
}

/** The reader and the reader's rights; without an answer, a sentence. */
function WithReader({ children }) {
  const me = useAnswer("me");
  if (me.error?.status === 403) return html`<${NoRight} />`;
  if (!me.data) return html`<div className="cb-page">${me.error
    ? html`<h1>${t("calls.title")}</h1><${Trouble} error=${me.error} again=${me.again} />` : html`<${Skeleton} lines=${6} />`}</div>`;
  return html`${VERSION && me.data.version !== VERSION && html`<${Banner} tone="warn" title=${t("stale.title")} actions=${html`
    <${Button} look="solid" onClick=${() => location.reload()}>${t("reload")}<//>`}>${t("stale.help")}<//>`}${children(me.data)}`;
}

const NoRight = () => html`<div className="cb-page"><h1>${t("calls.title")}</h1><${Empty} title=${t("no_right.title")}>${t("no_right.help")}<//></div>`;

export function CallBrowser() {
  useHostNavigation();
  return html`<${Framed}><${WithReader}>${(me) => html`<${Pages} me=${me} />`}<//><//>`;
}

/** What Airflow shows in its own pages; its properties say what is shown there. */
const framed = (Part) => (props) => {
  useHostNavigation();
  return html`<${Framed}><div className="cb-page"><${WithReader}>${(me) => html`<${Part} ...${props} me=${me} />`}<//></div><//>`;
};
export const RunTab = framed(CallsOfRun);
export const BatchTab = framed(CallsOfBatch);
export const ScoresTab = framed(ScoresOfRun);

/** Where the reader has no right to runs, or no answer came, the home page of Airflow is left as it is. */
export function HomePart() {
  useHostNavigation();
  const me = useAnswer("me");
  return html`<${Framed}>${me.data?.rights.includes("runs") && html`<${HomeCard} me=${me.data} />`}<//>`;
}

function Pages({ me }) {
  const here = route(ownPath());
  const found = here && PAGES.find(([page]) => page === here.page);
  useEffect(() => {
    const title = document.title;
    document.title = t(here ? `menu.${here.page}` : "calls.title");
    return () => {
      document.title = title;
    };
  }, [here?.page]);
  if (!found) return html`<${Menu} me=${me} /><div className="cb-page"><h1>${t("no_page.title")}</h1><${Empty} title=${t("no_page.help")}
    actions=${html`<${Go} to="" className="cb-button cb-outline">${t("menu.calls")}<//>`} /></div>`;
  const [page, right, Page] = found;
  return html`<${Menu} me=${me} page=${page} />${allowed(me, page, right) ? html`<${Page} me=${me} id=${here.id} />` : html`<${NoRight} />`}`;
}

function Menu({ me, page }) {
  const shown = IN_THE_MENU.filter(([name, right]) => allowed(me, name, right));
  if (shown.length < 2) return null;
  const present = page === "call" ? "calls" : page;
  return html`<nav className="cb-menu" aria-label=${t("menu.label")}>${shown.map(([name]) => html`<${Go} key=${name}
    to=${name === "calls" ? "" : name} aria-current=${name === present ? "page" : undefined}>${t(`menu.${name}`)}<//>`)}</nav>`;
}
