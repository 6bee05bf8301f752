// The list of calls: search, facets, rows, further pages. Its answer outlives the component: the way back is at once.
import { NOTHING_ASKED, askedOf, callPath, conditions, fragmentOf, searchBody } from "./address.js";
import { ask } from "./api.js";
import { addressOf, go, html, replaceAddress, useCallback, useEffect, useLayoutEffect, useRef, useState } from "./host.js";
import { Badge, Banner, Button, Empty, Flag, Foreign, Go, Icon, Skeleton, Trouble, copy, later, useAnnouncement, useKeys } from "./parts.js";
import { clock } from "./text.js";
import { kept, typedOf, keepTyped } from "./memory.js";
import { day, duration, named, number, t, time } from "./words.js";

const BundleDialog = later(() => import("./bundles_page.js"), "BundleDialog", null);

const FACETS = [
  ["statuses", "status"], ["verdicts", "verdict"], ["flags", "flag"], ["directions", "direction"],
  ["lines", null], ["employees", null], ["roles", "roles"], ["tags", null],
];
const SHOWN_OF_A_FACET = 8;
const PERIODS = [7, 30, 90, 365];

/** What is asked for, from the address and the session; a stored search of a colleague is fetched by its id. */
async function askedFromAddress() {
  const { asked, s } = askedOf(location.hash);
  if (!s) return { asked, s };
  const typed = typedOf(s) ?? (await ask(`searches/${encodeURIComponent(s)}`));
  return { asked: { ...typed, ...asked, ...pickTyped(typed) }, s };
}

const pickTyped = (stored) => ({
  q: stored.q ?? "", exact: Boolean(stored.exact), digits: stored.digits ?? "",
  employees: stored.employees ?? [], tags: stored.tags ?? [],
});

/** `fixed` narrows every search (the calls of one run, of one batch) and leaves the address alone. */
export function CallsPage({ me, fixed = null, heading = true }) {
  const root = useRef(null);
  const list = useSearch(fixed);
  const [announcement, say] = useAnnouncement();
  const { asked, answer, error, loading } = list;
  useEffect(() => {
    if (answer?.total) say(totalOf(answer.total));
  }, [answer, say]);
  // Keys reach us only while something of ours has the focus.
  useEffect(() => {
    if (heading && document.activeElement === document.body) root.current.focus({ preventScroll: true });
  }, [heading]);
  useKeys(root, {
    "/": () => root.current.querySelector("input[type=search]")?.focus(),
    f: () => root.current.querySelector(".cb-facets summary, .cb-facets input")?.focus(),
    j: () => step(root.current, 1),
    k: () => step(root.current, -1),
  });
  return html`<div ref=${root} tabIndex="-1" className="cb-page cb-calls">
    ${announcement}
    ${heading && html`<h1>${t("calls.title")}</h1>`}
    <${SearchForm} list=${list} fixed=${fixed} />
    <div className="cb-columns">
      <${Facets} list=${list} />
      <section aria-label=${t("calls.results")} aria-busy=${loading}>
        <${Narrowed} list=${list} fixed=${fixed} me=${me} />
        ${error && html`<${Trouble} error=${error} again=${list.again} />`}
        ${me.index && me.index.done < me.index.of && html`<${Banner} title=${t("calls.indexing")}>
          ${t("calls.indexing_help", { done: number(me.index.done), of: number(me.index.of) })}<//>`}
        ${!answer && loading && html`<${Skeleton} lines=${8} height=${56} />`}
        ${answer && html`<${Rows} list=${list} stale=${loading} />`}
      </section>
    </div>
  </div>`;
}

function step(root, by) {
  const links = [...root.querySelectorAll("a.cb-call-link")];
  const at = links.indexOf(document.activeElement.closest?.(".cb-call")?.querySelector("a.cb-call-link"));
  links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}

const totalOf = ({ value, more }) =>
  more ? t("calls.more_than", { total: number(value) }) : t("calls.found", { n: value, total: number(value) });

function useSearch(fixed) {
  const slot = fixed ? `calls ${JSON.stringify(fixed)}` : "calls";
  const [state, setState] = useState(() => kept.get(slot) ?? { asked: null, s: null, answer: null });
  const [error, setError] = useState(null);
  const [loading, setLoading] = useState(false);
  const running = useRef(null);
  const put = useCallback((next) => {
    kept.set(slot, next);
    setState(next);
  }, [slot]);

  const run = useCallback(async (asked, s, before = null) => {
    running.current?.abort();
    const stop = new AbortController();
    running.current = stop;
    setLoading(true);
    setError(null);
    const question = (options) => {
      const body = { snippets: false, ...searchBody(asked, new Date(), options), ...fixed };
      return ask("search", { method: "POST", body, signal: stop.signal });
    };
    try {
      // Rows first: counting takes longer, and nobody waits for numbers.
      const counting = before ? null : question({ facets: true, limit: 1 });
      counting?.catch(() => {}); // awaited below, after the rows
      const answer = await question({ facets: false, cursor: before?.cursor ?? null });
      const items = before ? [...before.items, ...answer.items] : answer.items;
      const known = before ?? { facets: kept.get(slot)?.answer?.facets ?? null, total: null };
      put({ asked, s, answer: { ...answer, of: asked, items, facets: known.facets, total: known.total } });
      setLoading(false);
      if (!counting) return;
      const { facets, total } = await counting;
      put({ asked, s, answer: { ...answer, of: asked, items, facets, total } });
    } catch (refused) {
      if (refused.name === "AbortError") return;
      setError(refused);
      setLoading(false);
    }
  }, [fixed, put, slot]);

  /** A new question: its typed part into the session, the rest into the address. */
  const search = useCallback((asked) => {
    const s = keepTyped(asked);
    if (!fixed) replaceAddress({ hash: fragmentOf(asked, s) });
    setState((was) => ({ ...was, asked, s }));
    return run(asked, s);
  }, [fixed, run]);

  useEffect(() => {
    const fromAddress = async () => {
      try {
        const { asked, s } = fixed ? { asked: { ...NOTHING_ASKED, days: null }, s: null } : await askedFromAddress();
        const old = kept.get(slot);
        if (old?.answer && fragmentOf(old.asked, old.s) === fragmentOf(asked, s)) return;
        setState((was) => ({ ...was, asked, s }));
        run(asked, s);
      } catch (refused) {
        setState((was) => ({ ...was, asked: NOTHING_ASKED }));
        setError(refused);
      }
    };
    fromAddress();
    if (!fixed) addEventListener("hashchange", fromAddress);
    return () => {
      removeEventListener("hashchange", fromAddress);
      running.current?.abort();
    };
  }, [fixed, run, slot]);

  const asked = state.asked ?? NOTHING_ASKED;
  return {
    asked, s: state.s, answer: state.answer, error, loading, search, ready: state.asked !== null,
    change: (part) => search({ ...asked, ...part }),
    more: () => run(asked, state.s, state.answer),
    again: () => run(asked, state.s),
  };
}

function SearchForm({ list, fixed }) {
  const { asked } = list;
  const [q, setQ] = useState(asked.q);
  const [digits, setDigits] = useState(asked.digits);
  const [shared, setShared] = useState(null);
  useEffect(() => {
    setQ(asked.q);
    setDigits(asked.digits);
  }, [asked.q, asked.digits]);
  const submit = (event) => {
    event.preventDefault();
    list.change({ q, digits: digits.replace(/\D/g, "") });
  };
  const share = async () => {
    try {
      const stored = await ask("searches", { method: "POST", body: searchBody({ ...asked, q }, new Date(), { facets: false }) });
      const link = addressOf("") + fragmentOf(asked, stored.s);
      setShared((await copy(link)) ? t("calls.shared") : null);
    } catch (error) {
      setShared(error.detail ?? t("trouble.server"));
    }
  };
  const own = asked.from || asked.to;
  const period = (value) =>
    value === "own"
      ? list.change({ days: null, from: new Date(Date.now() - 30 * 86400e3).toISOString().slice(0, 10) })
      : list.change({ days: value === "all" ? null : Number(value), from: null, to: null });
  return html`<form role="search" className="cb-search" onSubmit=${submit}>
    <div className="cb-search-line">
      <label className="cb-grow"><span className="cb-hidden">${t("calls.words")}</span>
        <input type="search" maxLength="300" value=${q} placeholder=${t("calls.placeholder")} autoComplete="off"
          aria-describedby="cb-search-help" onChange=${(event) => setQ(event.target.value)} /></label>
      <${Button} type="submit" look="solid" icon="search">${t("calls.search")}<//>
    </div>
    <div className="cb-row cb-search-options">
      <label>${t("calls.period")} <select value=${own ? "own" : (asked.days ?? "all")}
        onChange=${(event) => period(event.target.value)}>
        ${PERIODS.map((days) => html`<option key=${days} value=${days}>${t("calls.last_days", { n: days })}</option>`)}
        ${asked.days && !PERIODS.includes(asked.days) && html`<option value=${asked.days}>${t("calls.last_days", { n: asked.days })}</option>`}
        <option value="all">${t("calls.always")}</option><option value="own">${t("calls.own_dates")}</option></select></label>
      ${own && html`<label>${t("calls.from")} <input type="date" value=${asked.from ?? ""} max=${asked.to ?? undefined}
          onChange=${(event) => list.change({ from: event.target.value || null, days: null })} /></label>
        <label>${t("calls.to")} <input type="date" value=${asked.to ?? ""} min=${asked.from ?? undefined}
          onChange=${(event) => list.change({ to: event.target.value || null, days: null })} /></label>`}
      <label>${t("calls.digits")} <input inputMode="numeric" size="7" maxLength="15" value=${digits} placeholder="4567"
        onChange=${(event) => setDigits(event.target.value)} /></label>
      <label>${t("calls.sort")} <select value=${asked.sort} onChange=${(event) => list.change({ sort: event.target.value })}>
        <option value="newest">${t("calls.newest")}</option><option value="relevance">${t("calls.relevance")}</option></select></label>
      <label><input type="checkbox" checked=${asked.exact} onChange=${(event) => list.change({ q, exact: event.target.checked })} />
        ${" "}${t("calls.exact")}</label>
      ${!fixed && html`<${Button} look="ghost" icon="link" onClick=${share}>${t("calls.share")}<//>`}
      ${shared && html`<span role="status" className="cb-muted">${shared}</span>`}
    </div>
    <p id="cb-search-help" className="cb-muted cb-small">${t("calls.help")}</p>
  </form>`;
}

function Facets({ list }) {
  const { asked, answer } = list;
  const counted = answer?.facets ?? {};
  // Wide pages show them always; narrow ones fold them, and the summary says how many are set.
  const wide = globalThis.matchMedia?.("(min-width: 60rem)").matches ?? true;
  return html`<details className="cb-facets" open=${wide}>
    <summary>${t("calls.filters")}${conditions(asked) ? ` (${conditions(asked)})` : ""}</summary>
    ${FACETS.map(([name, kind]) => html`<${Facet} key=${name} name=${name} kind=${kind} list=${list}
      values=${withChosen(counted[name] ?? [], asked[name])} />`)}
    <fieldset><legend>${t("facet.duration")}</legend><div className="cb-row">
      ${[["min_sec", "calls.min"], ["max_sec", "calls.max"]].map(([name, label]) => html`<label key=${name}>${t(label)}
        ${" "}<input type="number" min="0" max="600" step="1" defaultValue=${asked[name] === null ? "" : asked[name] / 60}
        onBlur=${(event) => {
          const minutes = event.target.value === "" ? null : Math.round(Number(event.target.value) * 60);
          if (minutes !== asked[name]) list.change({ [name]: minutes });
        }} /></label>`)}</div></fieldset>
  </details>`;
}

/** What is chosen stays in the list although nothing is counted under it. */
const withChosen = (counted, chosen) => [
  ...counted,
  ...chosen.filter((value) => !counted.some(([one]) => one === value)).map((value) => [value, 0]),
];

function Facet({ name, kind, values, list }) {
  const [all, setAll] = useState(false);
  const chosen = list.asked[name];
  if (!values.length) return null;
  const shown = all ? values : values.slice(0, SHOWN_OF_A_FACET);
  const toggle = (value) =>
    list.change({ [name]: chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value] });
  return html`<fieldset><legend>${t(`facet.${name}`)}</legend>
    ${shown.map(([value, count]) => html`<label key=${value} className="cb-facet">
      <input type="checkbox" checked=${chosen.includes(value)} onChange=${() => toggle(value)} />
      <span className="cb-grow">${kind ? named(kind, value) : html`<${Foreign}>${value}<//>`}</span>
      <span className="cb-number cb-muted">${count > 9999 ? t("calls.many") : number(count)}</span></label>`)}
    ${values.length > SHOWN_OF_A_FACET && html`<${Button} look="ghost" aria-expanded=${all} onClick=${() => setAll(!all)}>
      ${all ? t("calls.fewer") : t("calls.all_values", { n: values.length })}<//>`}
  </fieldset>`;
}

/** The conditions that are set, each with its way out. */
function Narrowed({ list, fixed, me }) {
  const { asked, answer } = list;
  const [bundling, setBundling] = useState(false);
  const chips = [];
  if (asked.q) chips.push(["q", asked.q, { q: "" }]);
  if (asked.digits) chips.push(["digits", `…${asked.digits}`, { digits: "" }]);
  if (asked.run_id && !fixed) chips.push(["run", t("calls.one_run"), { run_id: null }]);
  if (asked.min_sec) chips.push(["min", t("calls.at_least", { time: duration(asked.min_sec) }), { min_sec: null }]);
  if (asked.max_sec) chips.push(["max", t("calls.at_most", { time: duration(asked.max_sec) }), { max_sec: null }]);
  for (const [name, kind] of FACETS) {
    for (const value of asked[name]) {
      const label = kind ? named(kind, value) : value;
      chips.push([`${name} ${value}`, label, { [name]: asked[name].filter((one) => one !== value) }]);
    }
  }
  return html`<div className="cb-row cb-spread cb-total">
    <strong>${answer?.total ? totalOf(answer.total) : " "}</strong>
    <div className="cb-row">${me.rights.includes("take") && answer?.items.length > 0 && html`<${Button} look="ghost" icon="download" onClick=${() => setBundling(true)}>${t("bundles.open")}<//>`}
    ${bundling && html`<${BundleDialog} asked=${asked} fixed=${fixed} hears=${me.rights.includes("hear")} close=${() => setBundling(false)} />`}
    ${chips.map(([key, label, without]) => html`<button type="button" key=${key} className="cb-chip"
      aria-label=${t("calls.drop", { what: label })} onClick=${() => list.change(without)}><${Foreign}>${label}<//>
      <${Icon} name="close" /></button>`)}
      ${chips.length > 1 && html`<${Button} look="ghost" onClick=${() => list.search(NOTHING_ASKED)}>${t("calls.drop_all")}<//>`}
    </div></div>`;
}

function Rows({ list, stale }) {
  const { answer, asked } = list;
  const box = useRef(null);
  const marks = useMarks(box, asked, answer);
  useScrollMemory(answer);
  if (!answer.items.length) return html`<${NothingFound} list=${list} />`;
  const days = [];
  for (const item of answer.items) {
    if (days.at(-1)?.[0] !== day(item.at)) days.push([day(item.at), []]);
    days.at(-1)[1].push(item);
  }
  return html`<div ref=${box} className=${stale ? "cb-stale" : undefined}>
    ${days.map(([name, items]) => html`<section key=${name} className="cb-day"><h2>${name}</h2>
      <ul className="cb-list">${items.map((item) => html`<${Row} key=${item.id} item=${item} found=${marks(item.id)} />`)}</ul></section>`)}
    ${answer.cursor && html`<div className="cb-row cb-centred"><${Button} look="outline" disabled=${stale} onClick=${list.more}>
      ${t("calls.next_page")}<//></div>`}
    ${!answer.cursor && asked.days && html`<p className="cb-muted cb-centred">${t("calls.end_of_period", { n: asked.days })}
      ${" "}<${Button} look="ghost" onClick=${() => list.change({ days: null })}>${t("calls.search_always")}<//></p>`}
  </div>`;
}

/** The person on the other side: who called us, or whom we called. */
export const otherSide = (item) => (item.direction === "outbound" ? item.to : item.from) ?? t("number.hidden");

function Row({ item, found }) {
  const failed = !["completed"].includes(item.status);
  const known = ["inbound", "outbound", "callback"].includes(item.direction);
  const open = () => {
    kept.set("opened", { id: String(item.id), snippets: found ?? [] });
    kept.delete("queue");
  };
  return html`<li className="cb-call" data-call=${item.id}>
    <span className="cb-call-direction" title=${named("direction", item.direction)}>
      <${Icon} name=${known ? item.direction : "other"} /></span>
    <span className="cb-call-time"><${Go} to=${callPath(item.id)} className="cb-call-link" onClick=${open}
      aria-label=${t("calls.open", { time: time(item.at), day: day(item.at), who: item.employee ?? "" })}>${time(item.at)}<//></span>
    <span className="cb-call-who"><span className="cb-call-employee"><${Foreign}>${item.employee ?? t(item.status === "erased" ? "status.erased" : "employee.unknown")}<//></span>
      <span className="cb-muted"><span className="cb-hidden">${named("direction", item.direction)}, </span><bdi>${item.status !== "erased" && otherSide(item)}</bdi>
      ${item.line && html` · <bdi>${item.line}</bdi>`}</span></span>
    <span className="cb-call-marks">
      ${failed && item.status !== "erased" && html`<${Badge} kind="status" code=${item.status} />`}
      ${(item.flags ?? []).map((flag) => html`<${Flag} key=${flag} code=${flag} />`)}
      ${item.verdict && html`<${Badge} kind="verdict" code=${item.verdict} />`}
      ${(item.tags ?? []).slice(0, 3).map((tag) => html`<span key=${tag} className="cb-badge"><${Foreign}>${tag}<//></span>`)}
    </span>
    <span className="cb-number cb-call-duration">${item.duration_sec === null ? "" : duration(item.duration_sec)}</span>
    ${found === null && html`<div className="cb-snippets cb-snippets-awaited" aria-hidden="true" />`}
    ${found?.length > 0 && html`<ul className="cb-snippets">${found.map((snippet, n) => html`<li key=${n}>
      <${Go} to=${callPath(item.id, snippet.t)} onClick=${open}>${snippet.t === null ? t("calls.open_short") : clock(snippet.t)}<//>
      ${" "}<bdi><${Parts} parts=${snippet.parts} /></bdi></li>`)}</ul>`}
  </li>`;
}

const MARKED_AT_ONCE = 10;

/**
 * The turns with hits of the rows that are in view; marking is most of what a search costs, and nobody sees the other rows.
 * Gives for an id its snippets: undefined without words, null while they are on their way.
 */
function useMarks(box, asked, answer) {
  const words = asked.q.trim() && `${asked.exact} ${asked.q.trim()}`;
  const [, redraw] = useState(0);
  const items = answer?.of === asked ? answer.items : null; // not of an earlier question; the same list once counts are there
  const known = kept.get("marks");
  if (words && known?.words !== words) kept.set("marks", { words, of: new Map() });
  useEffect(() => {
    if (!words || !items || !box.current) return undefined;
    const { of } = kept.get("marks");
    const stop = new AbortController();
    const wanted = new Set();
    let timer = null;
    const fetchSome = async () => {
      timer = null;
      const ids = [...wanted].slice(0, MARKED_AT_ONCE);
      ids.forEach((id) => wanted.delete(id));
      try {
        const body = { q: asked.q.trim(), exact: asked.exact, ids };
        const found = await ask("search/snippets", { method: "POST", body, signal: stop.signal });
        ids.forEach((id) => of.set(id, found[id] ?? []));
      } catch {
        if (stop.signal.aborted) return;
        ids.forEach((id) => of.set(id, [])); // the row is there, and its text marks the words when it is opened
      }
      redraw((n) => n + 1);
      if (wanted.size) timer ??= setTimeout(fetchSome, 0);
    };
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const id = Number(entry.target.dataset.call);
        if (entry.isIntersecting && !of.has(id)) wanted.add(id);
        else wanted.delete(id);
      }
      if (wanted.size) timer ??= setTimeout(fetchSome, 30);
    }, { rootMargin: "200px" });
    for (const row of box.current.querySelectorAll("[data-call]")) observer.observe(row);
    return () => {
      observer.disconnect();
      stop.abort();
      clearTimeout(timer);
    };
  }, [words, items, box]);
  return (id) => (words && items ? (kept.get("marks").of.get(id) ?? null) : undefined);
}

/** Pieces of a text, the found ones marked. */
export const Parts = ({ parts }) => parts.map(([text, hit], n) =>
  hit ? html`<mark key=${n}>${text}</mark>` : html`<span key=${n}>${text}</span>`);

function NothingFound({ list }) {
  const { asked, answer } = list;
  const set = conditions(asked);
  if (!set && !asked.days && !asked.from && !asked.to && answer.items.length === 0) {
    return html`<${Empty} title=${t("calls.none_at_all")} actions=${html`<${Go} className="cb-button cb-solid" host
      to="dags/call_export">${t("calls.start_export")}<//>`}>${t("calls.none_at_all_help")}<//>`;
  }
  const period = !set && asked.days;
  const ways = [];
  if (answer.newest_at && !set) {
    const last = answer.newest_at.slice(0, 10);
    const first = new Date(`${last}T00:00:00Z`);
    first.setUTCDate(first.getUTCDate() - 89);
    ways.push([t("calls.show_newest", { n: 90, day: day(last) }), { days: null, from: first.toISOString().slice(0, 10), to: last }]);
  }
  if (asked.exact) ways.push([t("calls.try_not_exact"), { exact: false }]);
  if (asked.days || asked.from || asked.to) ways.push([t("calls.search_always"), { days: null, from: null, to: null }]);
  if (set > 1 && asked.q) ways.push([t("calls.try_words_only"), { ...NOTHING_ASKED, q: asked.q, days: asked.days }]);
  if (set) ways.push([t("calls.drop_all"), NOTHING_ASKED]);
  return html`<${Empty} title=${period ? t("calls.none_in_period", { n: period }) : t("calls.nothing_found")} actions=${ways.map(([label, part]) => html`<${Button} key=${label}
    look="outline" onClick=${() => list.change(part)}>${label}<//>`)}>${asked.q ? t("calls.nothing_found_help") : answer.newest_at && !set ? t("calls.newest_are", { day: day(answer.newest_at) }) : null}<//>`;
}

/** The place in the list is kept while a call is open. */
function useScrollMemory(answer) {
  const first = useRef(true);
  useLayoutEffect(() => {
    const box = scrollBox(document.querySelector(".cb-calls"));
    if (first.current && kept.get("scroll")) box.scrollTop = kept.get("scroll");
    first.current = false;
    const keep = () => kept.set("scroll", box.scrollTop);
    box.addEventListener("scroll", keep, { passive: true });
    return () => box.removeEventListener("scroll", keep);
  }, [answer === null]);
}

export function scrollBox(element) {
  for (let box = element?.parentElement; box; box = box.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(box).overflowY) && box.scrollHeight > box.clientHeight) return box;
  }
  return document.scrollingElement;
}

export const openList = () => go("" + (kept.get("calls") ? fragmentOf(kept.get("calls").asked, kept.get("calls").s) : ""));
