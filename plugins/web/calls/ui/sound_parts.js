// While the server makes a copy that browsers play, a sound is heard in parts of a minute, from any second on.
import { apiUrl } from "./api.js";

const LOOK_MS = 1000; // how often it is asked whether the copy is there
const SEEK_MS = 200; // of several places in a row only the last is fetched

export class Parts {
  constructor(playback) {
    this.playback = playback;
    this.made = 0; // seconds of the copy that are there
    this.fetching = null;
    this.goesOn = false; // it is to sound when the part is there
  }

  /** Fetches the part from this second on and plays it, if it is still wanted. Returns whether the server gave it. */
  async play(second, after = 0) {
    const { playback } = this;
    const { audio } = playback;
    this.fetching?.abort();
    const stop = new AbortController();
    this.fetching = stop;
    this.goesOn ||= !audio.paused;
    audio.muted = true; // what sounds is of another place
    playback.changed({ parts: this, wanted: second, waiting: true });
    let sound = null;
    try {
      await new Promise((done) => setTimeout(done, after));
      if (stop.signal.aborted) return true;
      const address = apiUrl(`calls/${playback.id}/audio/part?second=${second.toFixed(2)}`);
      const answer = await fetch(address, { credentials: "same-origin", signal: stop.signal });
      if (answer.ok) sound = await answer.blob();
    } catch {
      sound = null;
    }
    if (stop.signal.aborted) return true;
    this.fetching = null;
    if (sound) {
      audio.muted = false;
      playback.put(URL.createObjectURL(sound), second);
      this.looking ??= setTimeout(() => this.look(), LOOK_MS);
      if (this.goesOn) playback.play();
      this.goesOn = false;
    } else this.leave();
    playback.changed({ waiting: false });
    return Boolean(sound);
  }

  sound(second) {
    const { audio, from } = this.playback;
    const inside = second - from;
    if (!this.fetching && inside >= 0 && inside < audio.duration) audio.currentTime = inside;
    else this.play(second, SEEK_MS);
  }

  /** How far the copy is; when it is there, it goes on with it at the same second. */
  async look() {
    this.looking = null;
    const { playback } = this;
    const answer = await fetch(apiUrl(`calls/${playback.id}/audio/copy`), { credentials: "same-origin" }).catch(() => null);
    const found = answer?.ok ? await answer.json().catch(() => null) : null;
    if (playback.parts !== this) return;
    if (found?.state === "ready" && !this.fetching) {
      this.toWhole(!playback.audio.paused);
      return;
    }
    this.made = Math.max(this.made, found?.made_sec ?? 0);
    playback.changed();
    this.looking = setTimeout(() => this.look(), LOOK_MS);
  }

  /** A part has ended: the copy goes on, or, where it is not there, the next part. */
  ended() {
    const { at, seconds } = this.playback;
    if (!this.fetching && at < seconds - 0.5) this.toWhole(true);
  }

  toWhole(sounds) {
    this.playback.wanted = this.playback.at;
    this.playback.toWhole();
    if (sounds) this.playback.play();
    this.playback.changed();
  }

  leave() {
    clearTimeout(this.looking);
    this.looking = null;
    this.fetching?.abort();
    this.fetching = null;
    this.playback.audio.muted = false;
    this.playback.parts = null;
  }
}
