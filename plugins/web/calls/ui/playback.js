// The sound of one call: an audio element that outlives the page's components, and what is built around it.
// Nothing is fetched before a person wants to hear: the audit log says who heard what, not who opened a page.
import { apiUrl } from "./api.js";
import { useEffect, useState } from "./host.js";
import { afterSilence, endOf, silences, speedBeside, turnAt } from "./sound.js";

class Playback {
  constructor(id) {
    this.id = id;
    this.turns = [];
    this.gaps = [];
    this.length = 0;
    this.speed = 1;
    this.skipping = false;
    this.looped = null;
    this.muted = [false, false];
    this.trouble = null;
    this.waiting = false;
    this.wanted = 0;
    this.retried = false;
    this.from = 0; // the second of the recording that the element's sound begins with
    this.parts = null; // what plays it in parts while the server makes a copy
    this.listeners = new Set();
    this.audio = new Audio();
    this.audio.preload = "none";
    this.audio.src = this.whole = apiUrl(`calls/${id}/audio`);
    for (const name of ["play", "pause", "seeked", "ended", "ratechange", "durationchange"]) {
      this.audio.addEventListener(name, () => this.changed());
    }
    this.audio.addEventListener("loadedmetadata", () => this.toWanted());
    this.audio.addEventListener("waiting", () => this.changed({ waiting: true }));
    this.audio.addEventListener("playing", () => this.changed({ waiting: false, trouble: null, retried: false }));
    this.audio.addEventListener("ended", () => this.parts?.ended());
    this.audio.addEventListener("error", () => this.audio.hasAttribute("src") && this.explain());
    this.tick = this.tick.bind(this);
  }

  changed(part = {}) {
    Object.assign(this, part);
    for (const listener of this.listeners) listener();
    if (!this.audio.paused && !this.frame) this.frame = requestAnimationFrame(this.tick);
  }

  /** Once a frame while it sounds: loops, skips silence, moves the marks. */
  tick() {
    this.frame = null;
    if (this.audio.paused) return;
    const at = this.at;
    if (this.looped !== null && at >= endOf(this.turns, this.looped, this.seconds)) {
      this.sound(this.turns[this.looped].start);
    } else if (this.skipping) {
      const on = afterSilence(this.gaps, at);
      if (on !== null) this.sound(on);
    }
    this.changed();
  }

  get seconds() {
    const { duration } = this.audio;
    return !this.parts && Number.isFinite(duration) && duration > 0 ? duration : this.length;
  }

  get at() {
    return this.audio.readyState >= 1 && !this.parts?.fetching ? this.from + this.audio.currentTime : this.wanted;
  }

  get turn() {
    return turnAt(this.turns, this.at);
  }

  know({ turns, seconds }) {
    if (turns) this.turns = turns;
    if (seconds) this.length = seconds;
    this.gaps = silences(this.turns, this.seconds || 0);
    this.changed();
  }

  /** The sound may be there before the place is known, and the place before the sound. */
  toWanted() {
    const inside = this.wanted - this.from;
    if (inside > 0 && Math.abs(this.audio.currentTime - inside) > 0.05) this.audio.currentTime = inside;
    this.changed();
  }

  seek(seconds) {
    const to = Math.min(Math.max(0, seconds), Math.max(0, (this.seconds || Infinity) - 0.05));
    if (this.looped !== null) this.looped = null;
    this.sound(to);
    this.changed();
  }

  /** Lets it sound from this second of the recording on; before there is anything, `wanted` says where. */
  sound(second) {
    this.wanted = second;
    if (this.parts) this.parts.sound(second);
    else if (this.audio.readyState >= 1) this.audio.currentTime = second;
  }

  put(source, from) {
    if (this.audio.src.startsWith("blob:")) URL.revokeObjectURL(this.audio.src);
    this.from = from;
    this.audio.src = source;
  }

  toWhole() {
    this.parts?.leave();
    this.put(this.whole, 0);
  }

  play() {
    this.graph?.context.resume();
    this.audio.playbackRate = this.speed;
    this.audio.play().catch((error) => {
      if (error.name === "NotAllowedError") this.changed({ trouble: { kind: "not_allowed" } });
    });
  }

  pause() {
    this.wanted = this.at;
    if (this.parts) this.parts.goesOn = false;
    this.audio.pause();
  }

  toggle() {
    if (this.audio.paused) this.play();
    else this.pause();
  }

  toTurn(index) {
    if (this.turns[index]) this.seek(this.turns[index].start);
  }

  faster(step) {
    this.speed = speedBeside(this.speed, step);
    this.audio.playbackRate = this.speed;
    this.changed();
  }

  setSpeed(speed) {
    this.speed = speed;
    this.audio.playbackRate = speed;
    this.changed();
  }

  loop() {
    this.changed({ looped: this.looped === null && this.turn >= 0 ? this.turn : null });
  }

  /** Silences one channel; the other is heard on both sides. The browser allows it after a person's first click. */
  mute(channel) {
    this.muted = this.muted.map((is, n) => (n === channel ? !is : is));
    this.graph ??= split(this.audio);
    this.graph.gains.forEach((gain, n) => gain.gain.setValueAtTime(this.muted[n] ? 0 : 1, 0));
    this.graph.context.resume();
    this.changed();
  }

  /** The element says only that it failed; the server says why. It is tried once more by itself where it may help. */
  async explain() {
    const { at } = this;
    this.wanted = at;
    if (this.parts) {
      this.parts.leave();
      this.changed({ waiting: false, trouble: { kind: "unplayable" } });
      return;
    }
    const answer = await fetch(this.whole, { method: "HEAD", credentials: "same-origin" }).catch(() => null);
    const status = answer?.status ?? 0;
    const passing = status === 0 || status === 429 || status === 503;
    if (status === 503) {
      const { Parts } = await import("./sound_parts.js");
      if (await new Parts(this).play(at)) return;
    }
    if (passing && !this.retried) {
      const wait = Number(answer?.headers.get("Retry-After")) || 2;
      this.changed({ retried: true, waiting: true });
      setTimeout(() => this.reload(), wait * 1000);
      return;
    }
    this.audio.pause();
    this.changed({ waiting: false, trouble: { kind: status >= 200 && status < 300 ? "unplayable" : "refused", status } });
  }

  reload() {
    this.trouble = null;
    this.toWhole();
    this.play();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.toWhole();
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    this.graph?.context.close();
    this.listeners.clear();
  }
}

function split(audio) {
  const context = new AudioContext();
  const splitter = context.createChannelSplitter(2);
  const merger = context.createChannelMerger(2);
  context.createMediaElementSource(audio).connect(splitter);
  const gains = [0, 1].map((channel) => {
    const gain = context.createGain();
    splitter.connect(gain, channel);
    for (const side of [0, 1]) gain.connect(merger, 0, side);
    return gain;
  });
  merger.connect(context.destination);
  return { context, gains };
}

let current = null;
let leaving = null;

/** The playback of this call; it goes on over a redraw of the page and ends when the page is left. */
export function usePlayback(id) {
  const [playback] = useState(() => {
    clearTimeout(leaving);
    if (current?.id !== id) {
      current?.stop();
      current = new Playback(id);
    }
    return current;
  });
  useEffect(() => {
    clearTimeout(leaving);
    return () => {
      leaving = setTimeout(() => {
        if (current === playback) current = null;
        playback.stop();
      }, 400);
    };
  }, [playback]);
  return playback;
}

/** What `pick` takes of the playback; the component is drawn again only when that changes. */
export function usePlaying(playback, pick) {
  const [value, setValue] = useState(() => pick(playback));
  useEffect(() => {
    const listener = () => setValue(pick(playback));
    listener();
    playback.listeners.add(listener);
    return () => playback.listeners.delete(listener);
    // `pick` is written in place and always takes the same
  }, [playback]);
  return value;
}
