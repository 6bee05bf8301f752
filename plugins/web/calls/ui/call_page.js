// One call: what it is, its sound, its text, what a person found in it, and its history.
import { callPath, momentOf } from "./address.js";
import { ask, useAnswer } from "./api.js";
import { addressOf, go, html, replaceAddress, useEffect, useMemo, useRef, useState } from "./host.js";
import { openList, otherSide } from "./calls_page.js";
import { kept } from "./memory.js";
import { Badge, Banner, Button, Dialog, Flag, Foreign, Go, Icon, Skeleton, Trouble, copy, later, useAnnouncement, useKeys } from "./parts.js";
import { usePlayback } from "./playback.js";
import { Player, before, downloadUrl } from "./player.js";
import { clock, markedWords } from "./text.js";
import { NoText, Transcript } from "./transcript.js";
import { RoleFix } from "./role_fix.js";
import { VerdictForm, queueOf } from "./verdict_form.js";
import { dayAndTime, duration, language, named, offset, t, usd } from "./words.js";

const AskDialog = later(() => import("./erasure_page.js"), "AskDialog", null);
const ScoresOfCall = later(() => import("./quality_score.js"), "ScoresOfCall", null);

export function CallPage({ id, me }) {
  const card = useAnswer(`calls/${id}`);
  if (!card.data) {
    return html`<div className="cb-page"><h1>${t("call.title")}</h1><${Back} id=${id} />
      ${card.error ? html`<${Trouble} error=${card.error} again=${card.again} />` : html`<${Skeleton} lines=${5} height=${72} />`}</div>`;
  }
  return html`<${Opened} id=${id} me=${me} card=${card.data} again=${card.again} put=${card.put} failed=${card.error} />`;
}

/** To the queue that the call was opened from, or to the list as it was. */
function Back({ id }) {
  const queue = queueOf(id);
  const label = queue ? t("call.back_to_queue") : t("call.back");
  return html`<p className="cb-back"><button type="button" className="cb-link" onClick=${() => (queue ? go(queue.back) : openList())}>← ${label}</button></p>`;
}

function Opened({ id, me, card, again, put, failed }) {
  const erased = card.status === "erased";
  const root = useRef(null);
  const form = useRef(null);
  const [announcement, say] = useAnnouncement();
  const [help, setHelp] = useState(false);
  const [erasing, setErasing] = useState(false);
  const playback = usePlayback(id);
  const asked = useMemo(() => momentOf(location.search), [id]);
  const text = useAnswer(card.text_state === "ok" ? `calls/${id}/text` : null);
  const shownText = text.data?.sha256;
  useEffect(() => {
    if (shownText && card.text_sha256 && shownText !== card.text_sha256) text.again();
  }, [shownText, card.text_sha256]);
  const turns = useMemo(() => text.data?.turns ?? [], [text.data]);
  const opened = kept.get("opened");
  const words = useMemo(() => (opened?.id === id ? markedWords(opened.snippets) : []), [id]);

  useEffect(() => playback.know({ turns, seconds: card.audio.seconds ?? card.duration_sec }), [playback, turns, card]);
  useEffect(() => {
    if (asked !== null && playback.at === 0) playback.seek(asked);
  }, [playback, asked]);
  useEffect(() => rememberMoment(playback), [playback]);
  useEffect(() => root.current?.focus({ preventScroll: true }), [id]);

  const copyLink = async () => {
    if (await copy(addressOf(callPath(id, playback.at)))) say(t("call.link_copied", { time: clock(playback.at) }));
  };
  useKeys(root, {
    Space: () => playback.toggle(),
    j: () => playback.seek(playback.at - 5),
    l: () => playback.seek(playback.at + 5),
    "Shift+j": () => playback.seek(playback.at - 1),
    "Shift+l": () => playback.seek(playback.at + 1),
    ",": () => playback.toTurn(before(playback)),
    ".": () => playback.toTurn(playback.turn + 1),
    "[": () => playback.faster(-1),
    "]": () => playback.faster(1),
    s: () => playback.changed({ skipping: !playback.skipping }),
    r: () => playback.loop(),
    c: copyLink,
    1: () => form.current?.choose("ok"),
    2: () => form.current?.choose("issue"),
    "Ctrl+Enter": () => form.current?.saveAndNext(),
    "?": () => setHelp(true),
  });
  return html`<div ref=${root} tabIndex="-1" className="cb-page cb-call-page">
    ${announcement}
    <${Back} id=${id} />
    <${Header} card=${card} me=${me} copyLink=${copyLink} showKeys=${() => setHelp(true)} />
    ${failed && html`<${Trouble} error=${failed} again=${again} />`}
    ${erased && html`<${Banner} tone="warn" title=${t("call.erased")}>${t("call.erased_help")}<//>`}
    ${card.held && html`<${Banner} tone="info" title=${t("call.held")}>${t("call.held_help")}<//>`}
    ${!erased && html`<${Player} card=${card} me=${me} playback=${playback} turns=${turns} />`}
    <div className=${erased ? undefined : "cb-columns cb-columns-call"}>
      <div>
        ${card.text_state !== "ok" && !erased && html`<${NoText} card=${card} />`}
        ${card.files.some((file) => file.what === "summary") && html`<${Summary} id=${id} />`}
        ${text.error && html`<${Trouble} what=${t("text.title")} error=${text.error} again=${text.again} />`}
        ${text.loading && !text.data && html`<${Skeleton} lines=${7} height=${40} />`}
        ${text.data && html`<${Transcript} text=${text.data} playback=${playback} words=${words} root=${root} />`}
      </div>
      <aside aria-label=${t("call.side")}>
        ${me.rights.includes("check") && card.text_state === "ok" && html`<${VerdictForm} handle=${form} card=${card}
          put=${put} again=${again} say=${say} />`}
        ${me.rights.includes("fix") && html`<${RoleFix} card=${card} put=${put} say=${say} />`}
        ${me.quality && !erased && html`<${ScoresOfCall} id=${id} />`}
        ${card.status !== "erased" && html`<${Events} key=${card.etag} id=${id} />`}
        <${Files} card=${card} me=${me} />
        ${!erased && me.rights.includes("ask") && html`<p><${Button} look="ghost" onClick=${() => setErasing(true)}>${t("call.erase")}<//></p>`}
      </aside>
    </div>
    ${erasing && html`<${AskDialog} call=${card.id} close=${() => setErasing(false)} />`}
    ${help && html`<${Keys} close=${() => setHelp(false)} />`}
  </div>`;
}

/** The second stays in the address when the sound stops, so that a reload and a copied address come back to it. */
function rememberMoment(playback) {
  const keep = () => {
    if (!playback.audio.paused || !location.pathname.endsWith(`/call/${playback.id}`)) return;
    const path = callPath(playback.id, playback.at || null);
    const search = path.includes("?") ? path.slice(path.indexOf("?")) : "";
    if (search !== location.search) replaceAddress({ search });
  };
  playback.audio.addEventListener("pause", keep);
  playback.audio.addEventListener("seeked", keep);
  return () => {
    playback.audio.removeEventListener("pause", keep);
    playback.audio.removeEventListener("seeked", keep);
  };
}

function Header({ card, me, copyLink, showKeys }) {
  const facts = [
    [t("call.employee"), card.status !== "erased" && html`<${Foreign}>${card.employee ?? t("employee.unknown")}<//>`],
    [t("call.line"), card.line && html`<bdi>${card.line}</bdi>`],
    [t("call.duration"), duration(card.duration_sec)],
    [t("call.language"), card.language && languageName(card.language)],
    [t("call.roles"), card.roles && named("roles", card.roles)],
    [t("call.model"), card.model],
    [t("call.cost"), card.cost_usd !== null && usd(card.cost_usd, 4)],
    [t("call.run"), card.run && me.rights.includes("runs") && html`<${Go} host to=${`dags/call_export/runs/${encodeURIComponent(card.run.dag_run_id)}`}>
      ${t("call.run_in_airflow")}<//>, <${Go} to=${`#run_id=${card.run.run_id}&days=all`}>${t("call.run_calls")}<//> <${Badge} kind="run_status" code=${card.run.status} />`],
  ].filter(([, value]) => value);
  return html`<header className="cb-call-header">
    <div className="cb-row cb-spread"><h1><${Icon} name=${["inbound", "outbound", "callback"].includes(card.direction) ? card.direction : "other"} />
      ${" "}${t("call.heading", { direction: named("direction_call", card.direction), time: dayAndTime(card.at) })}
      ${" "}<small className="cb-muted">${offset(card.at)}</small></h1>
      <div className="cb-row"><${Button} look="outline" icon="link" title=${`${t("call.copy_link")} (C)`} onClick=${copyLink}>${t("call.copy_link")}<//>
        <${Button} look="outline" title="?" onClick=${showKeys}>${t("keys.title")}<//></div></div>
    <dl className="cb-facts">${card.status !== "erased" && html`<${NumberFact} card=${card} me=${me} />`}
      ${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${(card.flags.length > 0 || card.tags.length > 0 || card.status !== "completed") && html`<div className="cb-row">
      ${card.status !== "completed" && html`<${Badge} kind="status" code=${card.status} />`}
      ${card.tags.map((tag) => html`<span key=${tag} className="cb-badge"><${Foreign}>${tag}<//></span>`)}</div>`}
    ${card.flags.length > 0 && html`<ul className="cb-flags">${card.flags.map((flag) => html`<li key=${flag}><${Flag} code=${flag} />
      ${" "}<span>${named("flag_help", flag)}</span></li>`)}</ul>`}
  </header>`;
}

function languageName(code) {
  try {
    return new Intl.DisplayNames(language(), { type: "language" }).of(code);
  } catch {
    return code;
  }
}

/** Masked until a person asks, which the audit log keeps. */
function NumberFact({ card, me }) {
  const [whole, setWhole] = useState(null);
  const [error, setError] = useState(null);
  const show = async () => {
    try {
      setWhole(await ask(`calls/${card.id}/number`, { method: "POST", body: {} }));
      setError(null);
    } catch (refused) {
      setError(refused);
    }
  };
  const shown = whole ?? { from: card.from, to: card.to };
  return html`<div><dt>${t("call.numbers")}</dt><dd><bdi>${shown.from || otherSide(card)}</bdi> → <bdi>${shown.to || t("none")}</bdi>
    ${me.rights.includes("unmask") && !whole && html` <button type="button" className="cb-link"
      title=${t("call.show_number_help")} onClick=${show}>${t("call.show_number")}</button>`}
    ${error && html` <span role="alert" className="cb-tone-bad">${error.detail ?? t("trouble.server")}</span>`}</dd></div>`;
}

/** Folded, and fetched when it is opened: only then it has been read. */
function Summary({ id }) {
  const [wanted, setWanted] = useState(false);
  const found = useAnswer(wanted ? `calls/${id}/summary` : null);
  return html`<details className="cb-panel" onToggle=${() => setWanted(true)}><summary>${named("file", "summary")}</summary>
    ${found.error && html`<${Trouble} error=${found.error} again=${found.again} />`}
    ${found.loading && html`<${Skeleton} lines=${3} height=${24} />`}
    ${found.data?.sections.map((section, n) => html`<section key=${n}><h2><${Foreign}>${section.title}<//></h2>
      ${section.lines.map((line, at) => html`<p key=${at}><${Foreign}>${line}<//></p>`)}</section>`)}</details>`;
}

function Events({ id }) {
  const events = useAnswer(`calls/${id}/events`);
  return html`<section className="cb-panel" aria-label=${t("events.title")}><h2>${t("events.title")}
    ${events.data?.length > 0 && html` <small className="cb-muted">${offset(events.data[0].at)}</small>`}</h2>
    ${events.error && html`<${Trouble} error=${events.error} again=${events.again} />`}
    ${events.loading && !events.data && html`<${Skeleton} lines=${3} height=${24} />`}
    ${events.data?.length === 0 && html`<p className="cb-muted">${t("events.none")}</p>`}
    <ol className="cb-events">${(events.data ?? []).map((event, n) => html`<li key=${n}>
      <time dateTime=${event.at} className="cb-muted cb-small">${dayAndTime(event.at, { seconds: true })}</time>
      <span><${Foreign}>${event.text}<//>${event.by && html` · <${Foreign}>${event.by}<//>`}</span>
      ${(event.ms !== null || event.usd !== null) && html`<span className="cb-muted cb-small">
        ${[event.ms !== null && duration(event.ms / 1000), event.usd !== null && usd(event.usd, 4)].filter(Boolean).join(" · ")}</span>`}
    </li>`)}</ol></section>`;
}

function Files({ card, me }) {
  if (!card.files.length) return null;
  const take = me.rights.includes("take") && me.rights.includes("hear") && card.audio.state === "ok";
  return html`<section className="cb-panel" aria-label=${t("files.title")}><h2>${t("files.title")}</h2>
    <ul className="cb-files">${card.files.map((file) => html`<li key=${file.key}><strong>${named("file", file.what)}</strong>
      ${file.what === "audio" && take && html` <a href=${downloadUrl(card.id)}>${t("download")}</a>`}
      <code>${file.key}</code>
      ${file.checksum && html`<span className="cb-muted cb-small" title=${file.checksum}>sha256 ${file.checksum.slice(0, 12)}…</span>`}</li>`)}</ul></section>`;
}

const KEYS = [
  [["key.space"], "keys.play"], [["J", "L"], "keys.five"], [["Shift+J", "Shift+L"], "keys.one"], [[",", "."], "keys.turn"],
  [["[", "]"], "keys.speed"], [["S"], "keys.skip"], [["R"], "keys.loop"], [["N", "P"], "keys.hits"],
  [["1", "2"], "keys.verdict"], [["Ctrl+Enter"], "keys.save"], [["C"], "keys.copy"], [["?"], "keys.help"],
];

const Keys = ({ close }) => html`<${Dialog} title=${t("keys.title")} close=${close}><dl className="cb-keys">
  ${KEYS.map(([keys, meaning]) => html`<div key=${meaning}><dt>${keys.map((key) => html`<kbd key=${key}>${key.startsWith("key.") ? t(key) : key}</kbd>`)}</dt>
  <dd>${t(meaning)}</dd></div>`)}</dl><p className="cb-muted">${t("keys.list")}</p><//>`;
