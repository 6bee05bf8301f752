// The bundle of the react_apps: Airflow imports this file and looks the components up by their names.
// The names are those in `plugins/web/calls/react_apps.py`.
import { MODULES } from "./host.js";
import { BatchTab, CallBrowser, HomePart, RunTab, ScoresTab } from "./app.js";
import { learn } from "./words.js";

/** Style sheet and sentences are there before the first component is drawn, so that nothing jumps. */
const styled = new Promise((done) => {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("styles.css", MODULES).href;
  sheet.onload = done;
  sheet.onerror = done;
  document.head.append(sheet);
});
await Promise.all([styled, learn()]);

Object.assign(globalThis, {
  "Звонки": CallBrowser,
  "Звонки запуска": RunTab,
  "Оценки запуска": ScoresTab,
  "Звонки пачки": BatchTab,
  "Выгрузка звонков": HomePart,
});
