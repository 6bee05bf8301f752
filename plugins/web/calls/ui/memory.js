// What outlives a component: Airflow draws a plugin anew at every change of the path.
import { TYPED } from "./address.js";

/** Answers, drafts and places of this tab, until the page is loaded anew. */
export const kept = new Map();

const PREFIX = "call_browser.search.";

/** What was typed under this id, in this tab. */
export function typedOf(s) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + s));
  } catch {
    return null;
  }
}

/** Keeps what was typed and gives its id; null where nothing was typed. The same words have the same id in a tab. */
export function keepTyped(asked) {
  const typed = Object.fromEntries(TYPED.map((name) => [name, asked[name]]));
  if (!typed.q && !typed.digits && !typed.employees.length && !typed.tags.length) return null;
  const text = JSON.stringify(typed);
  for (let at = 0; at < sessionStorage.length; at += 1) {
    const key = sessionStorage.key(at);
    if (key.startsWith(PREFIX) && sessionStorage.getItem(key) === text) return key.slice(PREFIX.length);
  }
  const s = crypto.getRandomValues(new Uint32Array(2)).reduce((id, part) => id + part.toString(16).padStart(8, "0"), "");
  sessionStorage.setItem(PREFIX + s, text);
  return s;
}
