// Small parts that every page uses.
import { React, addressOf, go, html, useEffect, useLayoutEffect, useRef, useState } from "./host.js";
import { bytes, named, t } from "./words.js";
import { plain } from "./text.js";

const ICONS = {
  play: "M7 4l13 8-13 8z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  inbound: "M19 5L7 17M7 9v8h8",
  outbound: "M5 19L17 7M9 7h8v8",
  callback: "M4 12h12M4 12l5-5M4 12l5 5M20 5v14",
  other: "M5 12h14",
  previous: "M6 5v14M20 5L9 12l11 7z",
  next: "M18 5v14M4 5l11 7-11 7z",
  search: "M10.5 4a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM15.5 15.5L21 21",
  close: "M5 5l14 14M19 5L5 19",
  link: "M10 14a4 4 0 006 0l4-4a4 4 0 00-6-6l-1 1M14 10a4 4 0 00-6 0l-4 4a4 4 0 006 6l1-1",
  ok: "M4 12l6 6L20 6",
  issue: "M12 4v10M12 19v1",
  loop: "M4 12a8 8 0 0114-5l2 2M20 4v5h-5M20 12a8 8 0 01-14 5l-2-2M4 20v-5h5",
  download: "M12 3v13M6 11l6 6 6-6M4 21h16",
};

export const Icon = ({ name }) => html`<svg className=${`cb-icon cb-icon-${name}`} viewBox="0 0 24 24"
  aria-hidden="true" focusable="false"><path d=${ICONS[name] ?? ICONS.other} /></svg>`;

/** Text from strangers: its direction stays inside, characters that hide or turn a line are gone. */
export const Foreign = ({ children, lang }) => html`<bdi lang=${lang || undefined}>${plain(children)}</bdi>`;

/** A link inside Airflow: an ordinary click changes the page, any other does what the browser does. */
export function Go({ to, host = false, children, onClick, ...rest }) {
  const click = (event) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(to, { host });
  };
  return html`<a ...${rest} href=${addressOf(to, { host })} onClick=${click}>${children}</a>`;
}

export const Button = ({ icon, label, keys, look, children, ...rest }) => html`<button type="button"
  className=${["cb-button", look && `cb-${look}`, !children && "cb-only-icon"].filter(Boolean).join(" ")}
  title=${keys ? `${label ?? ""} (${keys})`.trim() : children ? undefined : label}
  aria-label=${children ? undefined : label} ...${rest}>${icon && html`<${Icon} name=${icon} />`}${children}</button>`;

const TONES = {
  completed: "good", ok: "good", approved: "good", done: "good", ready: "good",
  error: "bad", refused: "bad", failed: "bad", missing_audio: "warn", issue: "warn", cancelled: "warn", erased: "warn",
};
export const Badge = ({ kind, code, tone }) =>
  html`<span className=${`cb-badge cb-tone-${tone ?? TONES[code] ?? "plain"}`}>${named(kind, code)}</span>`;

/** A flag with its meaning: the name says it shortly, the description is there for hover and screen readers alike. */
export const Flag = ({ code }) => html`<span className="cb-badge cb-tone-warn" title=${named("flag_help", code)}>
  ${named("flag", code)}</span>`;

export const Size = ({ value }) => html`<span className="cb-number">${bytes(value)}</span>`;

/** Says what is so, and what to do: `tone` info, warn, bad. `role` alert is for what happened after the page was read. */
export const Banner = ({ tone = "info", title, children, actions, live = false }) => html`<div
  className=${`cb-banner cb-tone-${tone}`} role=${live ? "alert" : undefined}>
  <div><strong>${title}</strong>${children && html`<div>${children}</div>`}</div>
  ${actions && html`<div className="cb-row">${actions}</div>`}</div>`;

export const Empty = ({ title, children, actions }) => html`<div className="cb-empty">
  <p className="cb-empty-title">${title}</p>${children && html`<p>${children}</p>`}
  ${actions && html`<div className="cb-row cb-centred">${actions}</div>`}</div>`;

/** Grey lines of the final size; they show after 150 ms (styles.css), so that a quick answer never flickers. */
export const Skeleton = ({ lines = 6, height = 44 }) => html`<div className="cb-skeleton" aria-busy="true">
  <span className="cb-hidden" role="status">${t("loading")}</span>
  ${Array.from({ length: lines }, (_, n) => html`<i key=${n} style=${{ height }} />`)}</div>`;

/** What to tell about an error, by what it is. `again` is offered where trying again may help. */
export function Trouble({ error, again, what }) {
  const [title, text, retry] = explained(error);
  const actions = retry && again && html`<${Button} look="outline" onClick=${again}>${t("again")}<//>`;
  return html`<${Banner} tone=${error.status === 403 || error.status === 404 ? "info" : "bad"} live
    title=${what ? `${what}: ${title}` : title} actions=${actions}>${text}<//>`;
}

export function explained(error) {
  const said = error.detail ?? null;
  if (error.status === 0) return [t("trouble.offline"), t("trouble.offline_help"), true];
  if (error.status === 401) return [t("trouble.login"), t("trouble.login_help"), false];
  if (error.status === 403) return [t("trouble.no_right"), said ?? t("trouble.ask_for_right"), false];
  if (error.status === 404) return [t("trouble.not_found"), said ?? t("trouble.not_found_help"), false];
  if (error.status === 410) return [t("trouble.gone"), said, false];
  if (error.status === 422) return [t("trouble.refused"), said, false];
  if (error.status === 429 || error.status === 503) {
    const wait = error.wait ? t("trouble.busy_wait", { n: error.wait }) : t("trouble.busy_help");
    return [t("trouble.busy"), said ? `${said} ${wait}` : wait, true];
  }
  return [t("trouble.server"), said ?? t("trouble.server_help", { status: error.status || "" }), true];
}

/** An error of our own code ends our page and not Airflow's. */
export class Boundary extends React.Component {
  constructor(props) {
    super(props);
    this.state = { error: null };
  }

  static getDerivedStateFromError(error) {
    return { error };
  }

  componentDidCatch(error) {
    console.error("call browser:", error);
  }

  render() {
    if (!this.state.error) return this.props.children;
    const again = () => this.setState({ error: null });
    return html`<${Banner} tone="bad" live title=${t("trouble.page")} actions=${html`
      <${Button} look="outline" onClick=${again}>${t("again")}<//>
      <${Button} look="outline" onClick=${() => location.reload()}>${t("reload")}<//>`}>
      ${t("trouble.page_help")} <code>${String(this.state.error.message ?? this.state.error).slice(0, 200)}</code><//>`;
  }
}

/** A component whose code is fetched when it is first shown; `meanwhile` stands in its place until then. */
export function later(load, name, meanwhile = html`<${Skeleton} />`) {
  let Part = null;
  return function Later(props) {
    const [, setThere] = useState(Part !== null);
    const [error, setError] = useState(null);
    useEffect(() => {
      const show = () => setThere(true);
      if (Part) return show(); // it came between the drawing and this effect
      load().then((module) => {
        Part = module[name];
        show();
      }, setError);
      return undefined;
    }, []);
    if (error) throw error; // to the boundary, whose button tries anew
    return Part ? html`<${Part} ...${props} />` : meanwhile;
  };
}

/** Data as a table; `columns` are [key, label, cell(row), {number}] and `label` names the table for screen readers. */
export const Table = ({ label, columns, rows, rowKey, empty }) => html`<div className="cb-scroll" tabIndex="0" role="region"
  aria-label=${label}><table className="cb-table"><thead><tr>${columns.map(([key, name, , options]) => html`<th key=${key}
    scope="col" className=${options?.number ? "cb-number" : undefined}>${name}</th>`)}</tr></thead>
  <tbody>${rows.map((row, n) => html`<tr key=${rowKey ? rowKey(row) : n}>${columns.map(([key, , cell, options]) => html`<td
    key=${key} className=${options?.number ? "cb-number" : undefined}>${cell(row)}</td>`)}</tr>`)}
  ${!rows.length && empty && html`<tr><td colSpan=${columns.length} className="cb-muted">${empty}</td></tr>`}</tbody>
  </table></div>`;

/** Closes with Escape and gives the focus back to where it was. */
export function Dialog({ title, children, close }) {
  const element = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${element} className="cb-dialog" aria-labelledby="cb-dialog-title" onClose=${close}
    onKeyDown=${(event) => event.stopPropagation()}>
    <header className="cb-row cb-spread"><h2 id="cb-dialog-title">${title}</h2>
    <${Button} icon="close" label=${t("close")} onClick=${() => element.current.close()} /></header>${children}</dialog>`;
}

/** One element that screen readers announce when its text changes. */
export function useAnnouncement() {
  const [text, say] = useState("");
  return [html`<div className="cb-hidden" role="status" aria-live="polite">${text}</div>`, say];
}

const TYPING = "input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select, [contenteditable=true]";

/**
 * Keys of a page: {"j": action, "Shift+J": action}. Letters count by their place on the keyboard, so that they work in
 * a Russian layout; nothing happens while a person types or holds a key that is Airflow's or the browser's.
 */
export function useKeys(root, actions) {
  const current = useRef(actions);
  useLayoutEffect(() => {
    current.current = actions;
  });
  useEffect(() => {
    const pressed = (event) => {
      if (event.altKey || event.metaKey || event.defaultPrevented) return;
      const typing = event.target.matches?.(TYPING);
      const action = current.current[keyName(event)];
      if (!action || (typing && !event.ctrlKey)) return;
      if (keyName(event) === "Space" && event.target.closest?.("button, a, summary, input")) return;
      event.preventDefault();
      action(event);
    };
    const element = root.current;
    element?.addEventListener("keydown", pressed);
    return () => element?.removeEventListener("keydown", pressed);
  }, [root]);
}

const PLACES = { BracketLeft: "[", BracketRight: "]", Comma: ",", Period: ".", Slash: "/", Space: "Space", Enter: "Enter" };

export function keyName(event) {
  const { code } = event;
  const letter = /^Key([A-Z])$/.exec(code)?.[1].toLowerCase() ?? /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1];
  if (event.key === "?") return "?";
  const name = PLACES[code] ?? letter ?? event.key;
  return `${event.ctrlKey ? "Ctrl+" : ""}${event.shiftKey ? "Shift+" : ""}${name}`;
}

/** Copies and says so; where the clipboard is not allowed (plain http), shows the text to be copied by hand. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    globalThis.prompt(t("copy_by_hand"), text);
    return false;
  }
}
