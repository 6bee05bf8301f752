// What an address says, without a page. It never holds what people type: servers log addresses.
import { moment } from "./text.js";

const SINGLE = ["bundles", "erasure", "audit", "models", "settings"];

/** "call/31337" -> {page: "call", id: "31337"}; "" -> {page: "calls"}; null for a path that is no page of ours. */
export function route(path) {
  if (!path) return { page: "calls" };
  const [page, id, ...rest] = path.split("/").map(decodeURIComponent);
  if (rest.length) return null;
  if (page === "call") return /^\d{1,19}$/.test(id ?? "") ? { page, id } : null;
  if (["qa", "runs", "quality"].includes(page)) return { page, id: id || null };
  return SINGLE.includes(page) && !id ? { page } : null;
}

export const LISTS = ["lines", "directions", "statuses", "flags", "verdicts", "roles"];
// Typed or personal: kept in the browser's session under `s`, never in the address.
export const TYPED = ["q", "exact", "digits", "employees", "tags"];

export const NOTHING_ASKED = Object.freeze({
  q: "", exact: false, digits: "", employees: [], tags: [],
  days: 90, from: null, to: null, run_id: null, min_sec: null, max_sec: null, sort: "newest",
  ...Object.fromEntries(LISTS.map((name) => [name, []])),
});

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The fragment of a search: facets in clear, what was typed as the id `s` under which the session keeps it. */
export function fragmentOf(asked, s) {
  const fields = new URLSearchParams();
  if (s) fields.set("s", s);
  for (const name of LISTS) for (const value of asked[name]) fields.append(name, value);
  for (const name of ["from", "to", "run_id", "min_sec", "max_sec"]) {
    if (asked[name] !== null && asked[name] !== "") fields.set(name, asked[name]);
  }
  if (asked.days !== NOTHING_ASKED.days && !asked.from && !asked.to) fields.set("days", asked.days ?? "all");
  if (asked.sort !== NOTHING_ASKED.sort) fields.set("sort", asked.sort);
  const text = fields.toString();
  return text ? `#${text}` : "";
}

/** What a fragment asks for, without what was typed. Unknown names and unusable values are left out. */
export function askedOf(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const asked = { ...NOTHING_ASKED };
  for (const name of LISTS) asked[name] = [...new Set(fields.getAll(name).filter(Boolean))].slice(0, 50);
  for (const name of ["from", "to"]) if (DAY.test(fields.get(name) ?? "")) asked[name] = fields.get(name);
  for (const name of ["min_sec", "max_sec"]) {
    if (/^\d{1,6}$/.test(fields.get(name) ?? "")) asked[name] = Number(fields.get(name));
  }
  if (/^[\da-f-]{36}$/i.test(fields.get("run_id") ?? "")) asked.run_id = fields.get("run_id");
  const days = fields.get("days");
  if (days === "all") asked.days = null;
  else if (/^\d{1,4}$/.test(days ?? "")) asked.days = Number(days);
  if (asked.from || asked.to) asked.days = null;
  if (fields.get("sort") === "relevance") asked.sort = "relevance";
  const s = fields.get("s");
  return { asked, s: /^[\w-]{4,64}$/.test(s ?? "") ? s : null };
}

const midnight = (day) => new Date(`${day}T00:00:00`);
const isoDay = (date) => {
  const two = (n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
};

/** The body of `POST /search`; `today` is a Date. */
export function searchBody(asked, today, { cursor = null, facets = true, limit = 50 } = {}) {
  const { days, ...body } = asked;
  if (days && !body.from && !body.to) {
    const first = midnight(isoDay(today));
    first.setDate(first.getDate() - days + 1);
    body.from = isoDay(first);
  }
  return { ...body, q: body.q.trim(), min_sec: body.min_sec ?? 0, limit, cursor, facets };
}

/** How many conditions narrow the list, the period aside. */
export function conditions(asked) {
  const lists = [...LISTS, "employees", "tags"].reduce((sum, name) => sum + asked[name].length, 0);
  const single = ["q", "digits", "run_id", "min_sec", "max_sec"].filter((name) => asked[name]).length;
  return lists + single;
}

/** The link to a second of a call; nothing in it says whose call it is. */
export const callPath = (id, seconds = null) =>
  `call/${id}${seconds === null ? "" : `?t=${Math.round(seconds * 10) / 10}`}`;

/** The second that a call's address names; null where it names none. */
export const momentOf = (search) => moment(new URLSearchParams(search).get("t"));
