// The text of a call beside its sound: the turn that sounds is marked, a line that is clicked sounds.
import { React, html, useEffect, useMemo, useRef, useState } from "./host.js";
import { Button, Foreign, useKeys } from "./parts.js";
import { usePlaying } from "./playback.js";
import { clock, cut, findInTurns, plain, wholeWords } from "./text.js";
import { named, roleName, spokenTime, t } from "./words.js";

const calm = () => globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches;

/** Marks of one turn: what the reader looks for here; without it, the words of the search that led here. */
function marksOf(turn, index, found, words) {
  if (found) return found.flatMap((hit, n) => (hit.turn === index ? [[hit.from, hit.to, n]] : []));
  return words.flatMap((word) => wholeWords(turn.text, word)).map(([from, to]) => [from, to, null]);
}

const Turn = React.memo(function Turn({ turn, index, sounds, looped, marks, chosen, lang, seek }) {
  const text = plain(turn.text);
  const clicked = (event) => {
    if (event.target.closest("button, a") || !getSelection().isCollapsed) return;
    seek(index);
  };
  const pieces = marks.length ? cut(text, marks) : [[text, null]];
  return html`<li className=${`cb-turn cb-role-${turn.role}${looped ? " cb-looped" : ""}`} data-turn=${index}
    aria-current=${sounds ? "true" : undefined} onClick=${clicked}>
    <button type="button" className="cb-turn-time" onClick=${() => seek(index)}
      aria-label=${t("text.play_from", { time: spokenTime(turn.start) })}>${clock(turn.start)}</button>
    <span className="cb-turn-role">${roleName(turn.role)}</span>
    <p><bdi lang=${lang || undefined}>${pieces.map(([piece, mark], n) => mark === null
      ? html`<span key=${n}>${piece}</span>`
      : html`<mark key=${n} className=${marks[mark][2] !== null && marks[mark][2] === chosen ? "cb-chosen" : undefined}>${piece}</mark>`)}</bdi>
      ${turn.doubt && html` <span className="cb-badge cb-tone-warn" title=${named("flag_help", turn.doubt)}>
        ${t("text.doubtful", { flag: named("flag", turn.doubt) })}</span>`}</p></li>`;
});

const NO_MARKS = [];

export function Transcript({ text, playback, words, root }) {
  const { turns } = text;
  const list = useRef(null);
  const [wanted, setWanted] = useState("");
  const [chosen, setChosen] = useState(0);
  const [follows, setFollows] = useState(true);
  const current = usePlaying(playback, (it) => it.turn);
  const playing = usePlaying(playback, (it) => !it.audio.paused);
  const looped = usePlaying(playback, (it) => it.looped);
  const found = useMemo(() => (wanted.trim().length > 1 ? findInTurns(turns, wanted) : null), [turns, wanted]);
  const marks = useMemo(
    () => turns.map((turn, index) => {
      const own = marksOf(turn, index, found, words);
      return own.length ? own : NO_MARKS;
    }),
    [turns, found, words],
  );
  // Without a search of its own, "next hit" walks over the turns that the list's search marked.
  const stops = useMemo(
    () => found ?? marks.flatMap((own, index) => (own.length ? [{ turn: index }] : [])),
    [found, marks],
  );
  const seek = useRef((index) => {
    playback.toTurn(index);
    setFollows(true);
  }).current;

  const show = (index) => {
    const row = list.current?.querySelector(`[data-turn="${index}"]`);
    if (!row) return;
    const far = Math.abs(row.getBoundingClientRect().top) > 2 * innerHeight;
    row.scrollIntoView({ block: "center", behavior: far || calm() ? "instant" : "smooth" });
    // Rows out of sight have an estimated height: the first jump measures those around its end, the second one arrives.
    if (far) requestAnimationFrame(() => requestAnimationFrame(() => row.scrollIntoView({ block: "center", behavior: "instant" })));
  };
  const toHit = (step) => {
    if (!stops.length) return;
    const next = (chosen + step + stops.length) % stops.length;
    setChosen(next);
    setFollows(false);
    show(stops[next].turn);
  };
  useEffect(() => {
    setChosen(0);
    if (found?.length) {
      setFollows(false);
      show(found[0].turn);
    }
  }, [found]);
  useEffect(() => {
    if (playing && follows && current >= 0) show(current);
  }, [current, playing, follows]);
  // A reader who scrolls reads elsewhere: the page stops following until asked.
  useEffect(() => {
    const left = () => setFollows(false);
    const keys = (event) => ["PageUp", "PageDown", "Home", "End"].includes(event.key) && left();
    const element = list.current;
    element.addEventListener("wheel", left, { passive: true });
    element.addEventListener("touchmove", left, { passive: true });
    element.addEventListener("keydown", keys);
    return () => {
      element.removeEventListener("wheel", left);
      element.removeEventListener("touchmove", left);
      element.removeEventListener("keydown", keys);
    };
  }, []);
  useKeys(root, { n: () => toHit(1), p: () => toHit(-1) });

  return html`<section className="cb-text" aria-label=${t("text.label")}>
    <div className="cb-row cb-spread"><h2>${t("text.title")}</h2>
      <div className="cb-row" role="search" aria-label=${t("text.find")}>
        <label><span className="cb-hidden">${t("text.find")}</span><input type="search" value=${wanted} maxLength="100"
          placeholder=${t("text.find")} onChange=${(event) => setWanted(event.target.value)} onKeyDown=${(event) => {
            if (event.key === "Enter") toHit(event.shiftKey ? -1 : 1);
          }} /></label>
        <span role="status" className="cb-muted cb-small">${stops.length ? t("text.hit", { n: chosen + 1, of: stops.length })
          : found ? t("text.no_hit") : ""}</span>
        ${stops.length > 0 && html`<${Button} look="ghost" title=${`${t("text.hit_before")} (P)`} aria-label=${t("text.hit_before")} onClick=${() => toHit(-1)}>↑<//>
        <${Button} look="ghost" title=${`${t("text.hit_after")} (N)`} aria-label=${t("text.hit_after")} onClick=${() => toHit(1)}>↓<//>`}
      </div></div>
    <ol ref=${list} className="cb-turns">${turns.map((turn, index) => html`<${Turn} key=${turn.i} turn=${turn} index=${index}
      sounds=${index === current} looped=${index === looped} marks=${marks[index]}
      chosen=${found && found[chosen]?.turn === index ? chosen : null} lang=${text.language} seek=${seek} />`)}</ol>
    ${playing && !follows && html`<div className="cb-back-to-sound"><${Button} look="solid" onClick=${() => {
      setFollows(true);
      show(current);
    }}>${t("text.back_to_sound")}<//></div>`}
  </section>`;
}

/** Why there is no text, and what to do. */
export function NoText({ card }) {
  const kind = card.text_state === "none" && card.status === "error" ? "error" : card.text_state;
  if (kind === "error") {
    return html`<section className="cb-text"><h2>${t("text.title")}</h2><div className="cb-banner cb-tone-bad"><div>
      <strong>${t("text.error", { code: card.error_code ?? "" })}</strong>
      <div>${card.error && html`<${Foreign}>${card.error}<//>`}</div></div></div></section>`;
  }
  const state = kind === "none" && ["no_recording", "missing_audio"].includes(card.status) ? card.status : kind;
  return html`<section className="cb-text"><h2>${t("text.title")}</h2><div className="cb-banner cb-tone-info"><div>
    <strong>${t(`text.${state}`)}</strong><div>${card.outcome ?? t(`text.${state}_help`)}</div></div></div></section>`;
}
