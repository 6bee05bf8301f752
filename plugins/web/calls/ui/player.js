// The player of a call: waveform, buttons, and a sentence where there is nothing to play.
import { apiUrl } from "./api.js";
import { html, useEffect, useMemo, useState } from "./host.js";
import { Banner, Button, Icon } from "./parts.js";
import { usePlaying } from "./playback.js";
import { SPEEDS, lanesOf, readPeaks } from "./sound.js";
import { clock } from "./text.js";
import { ask } from "./api.js";
import { Waveform } from "./waveform.js";
import { named, number, t } from "./words.js";

export const downloadUrl = (id) => apiUrl(`calls/${id}/audio?download=1`);

/** Why there is no sound, in one sentence, and what can be done; null where there is one. */
function silence(card, me) {
  if (!me.rights.includes("hear")) return ["no_right", "info"];
  if (card.audio.state === "ok") return null;
  return card.audio.state === "erased" ? ["erased", "warn"] : ["absent", "info"];
}

function usePeaks(id, wanted) {
  const [peaks, setPeaks] = useState(null);
  useEffect(() => {
    if (!wanted) return undefined;
    const stop = new AbortController();
    // Without a waveform the turns are drawn alone: its failure is no trouble of the reader's.
    ask(`calls/${id}/peaks`, { binary: true, signal: stop.signal }).then((buffer) => setPeaks(readPeaks(buffer)), () => null);
    return () => stop.abort();
  }, [id, wanted]);
  return peaks;
}

export function Player({ card, me, playback, turns }) {
  const why = silence(card, me);
  const peaks = usePeaks(card.id, !why);
  const lanes = useMemo(() => lanesOf(peaks, turns), [peaks, turns]);
  if (why) {
    const [kind, tone] = why;
    return html`<section className="cb-player" aria-label=${t("player.label")}><${Banner} tone=${tone}
      title=${t(`player.${kind}`)}>${t(`player.${kind}_help`)}<//></section>`;
  }
  return html`<section className="cb-player" aria-label=${t("player.label")}>
    <${Waveform} playback=${playback} peaks=${peaks} lanes=${lanes} turns=${turns} />
    <${Controls} playback=${playback} lanes=${lanes} turns=${turns} />
    <${Failure} playback=${playback} card=${card} me=${me} />
  </section>`;
}

function Controls({ playback, lanes, turns }) {
  const playing = usePlaying(playback, (it) => !it.audio.paused);
  const waiting = usePlaying(playback, (it) => it.waiting && !it.audio.paused);
  const speed = usePlaying(playback, (it) => it.speed);
  const at = usePlaying(playback, (it) => Math.floor(it.at));
  const seconds = usePlaying(playback, (it) => Math.round(it.seconds));
  const skipping = usePlaying(playback, (it) => it.skipping);
  const looped = usePlaying(playback, (it) => it.looped !== null);
  const muted = usePlaying(playback, (it) => it.muted.join());
  const prepared = usePlaying(playback, (it) => (it.parts ? Math.min(99, Math.floor((100 * it.parts.made) / (it.seconds || 1))) : null));
  return html`<div className="cb-row cb-controls">
    <${Button} look="solid" icon=${playing ? "pause" : "play"} label=${t(playing ? "player.pause" : "player.play")}
      keys=${t("key.space")} onClick=${() => playback.toggle()} />
    <${Button} look="ghost" icon="previous" label=${t("player.turn_before")} keys="," disabled=${!turns.length}
      onClick=${() => playback.toTurn(before(playback))} />
    <${Button} look="ghost" label=${t("player.back")} title=${`${t("player.back")} (J)`} onClick=${() => playback.seek(playback.at - 5)}>−5<//>
    <${Button} look="ghost" title=${`${t("player.forward")} (L)`} onClick=${() => playback.seek(playback.at + 5)}>+5<//>
    <${Button} look="ghost" icon="next" label=${t("player.turn_after")} keys="." disabled=${!turns.length}
      onClick=${() => playback.toTurn(playback.turn + 1)} />
    <span className="cb-time" aria-hidden="true">${clock(at)} / ${clock(seconds)}</span>
    <span className="cb-muted cb-small cb-waiting" role="status">${waiting ? t("player.waiting") : ""}</span>
    ${prepared !== null && html`<span className="cb-muted cb-small cb-prepared" title=${t("player.preparing_help")}>${t("player.preparing",
      { percent: number(prepared, 0) })}</span>`}
    <span className="cb-grow" />
    <label>${t("player.speed")} <select value=${speed} title="[ ]" onChange=${(event) => playback.setSpeed(Number(event.target.value))}>
      ${SPEEDS.map((one) => html`<option key=${one} value=${one}>${number(one, one % 1 ? (one * 10) % 1 ? 2 : 1 : 0)}×</option>`)}</select></label>
    <${Button} look="ghost" aria-pressed=${skipping} title=${`${t("player.skip_help")} (S)`}
      onClick=${() => playback.changed({ skipping: !skipping })}>${t("player.skip")}<//>
    <${Button} look="ghost" icon="loop" aria-pressed=${looped} title=${`${t("player.loop_help")} (R)`} disabled=${!turns.length}
      onClick=${() => playback.loop()}>${t("player.loop")}<//>
    ${lanes && ["operator", "client"].map((role) => {
      const off = muted.split(",")[lanes[role]] === "true";
      return html`<${Button} key=${role} look="ghost" aria-pressed=${off} title=${t("player.mute_help")}
        onClick=${() => playback.mute(lanes[role])}>${t("player.mute", { who: named("role_of", role) })}<//>`;
    })}
  </div>`;
}

/** The beginning of this turn, or of the one before if this has only just begun. */
export const before = (playback) => {
  const { turn, turns, at } = playback;
  return turn >= 0 && at - turns[turn].start > 1.5 ? turn : Math.max(0, turn - 1);
};

function Failure({ playback, card, me }) {
  const trouble = usePlaying(playback, (it) => it.trouble);
  if (!trouble) return null;
  const again = html`<${Button} look="outline" onClick=${() => playback.reload()}>${t("again")}<//>`;
  if (trouble.kind === "not_allowed") return html`<${Banner} live title=${t("player.press_play")} />`;
  if (trouble.kind === "unplayable") {
    const download = me.rights.includes("take") && html`<a className="cb-button cb-outline" href=${downloadUrl(card.id)}>
      <${Icon} name="download" />${t("download")}</a>`;
    return html`<${Banner} tone="warn" live title=${t("player.unplayable")} actions=${download}>${t("player.unplayable_help")}<//>`;
  }
  const known = { 401: "login", 403: "no_right", 404: "absent", 410: "erased" }[trouble.status];
  if (known === "login") return html`<${Banner} tone="warn" live title=${t("trouble.login")}>${t("trouble.login_help")}<//>`;
  if (known) return html`<${Banner} tone="warn" live title=${t(`player.${known}`)}>${t(`player.${known}_help`)}<//>`;
  return html`<${Banner} tone="bad" live title=${t("player.storage_down")} actions=${again}>${t("player.storage_down_help")}<//>`;
}
