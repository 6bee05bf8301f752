// Rules of listening, without a page: which turn sounds, where nobody speaks, what the waveform shows.

/** Index of the turn that sounds, or of the last one before this second; -1 before the first. Turns go by start. */
export function turnAt(turns, seconds) {
  let [low, high] = [0, turns.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (turns[middle].start <= seconds + 0.01) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}

/** The end of a turn; where the recogniser gave none, the next one's start or the end of the sound. */
export const endOf = (turns, index, seconds) => turns[index].end ?? turns[index + 1]?.start ?? seconds;

/** Seconds without a turn, [from, to], at least `shortest` long; the second before speech is left to hear it begin. */
export function silences(turns, seconds, shortest = 2) {
  const gaps = [];
  let quietFrom = 0;
  turns.forEach((turn, index) => {
    if (turn.start - quietFrom >= shortest) gaps.push([quietFrom, turn.start - 0.3]);
    quietFrom = Math.max(quietFrom, endOf(turns, index, seconds));
  });
  if (seconds - quietFrom >= shortest) gaps.push([quietFrom, seconds]);
  return gaps;
}

/** Where to go on if this second is inside a silence; null if it is not. */
export function afterSilence(gaps, at) {
  const gap = gaps.find(([from, to]) => at >= from + 0.3 && at < to - 0.2);
  return gap ? gap[1] : null;
}

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

/** The next faster (1) or slower (-1) speed. */
export function speedBeside(speed, step) {
  const at = SPEEDS.findIndex((one) => one >= speed);
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? SPEEDS.length - 1 : at) + step))];
}

const HEADER = 16;

/**
 * The file of peaks as `include/speech/audio/peaks.py` describes it: {channels, perSecond, seconds, length, values},
 * one value of each channel in turn. Null for a version that this page does not know, or a file that is cut.
 */
export function readPeaks(buffer) {
  if (buffer.byteLength < HEADER) return null;
  const view = new DataView(buffer);
  const [version, channels, perSecond] = [0, 4, 8].map((at) => view.getUint32(at, true));
  const length = (buffer.byteLength - HEADER) / channels;
  if (version !== 1 || !channels || !length || !Number.isInteger(length)) return null;
  return { channels, perSecond, length, seconds: view.getFloat32(12, true), values: new Uint8Array(buffer, HEADER) };
}

/** The loudest value of each of `columns` equal parts of one channel, 0 to 1. */
export function columnsOf({ values, length, channels }, channel, columns) {
  const loudest = new Float32Array(columns);
  for (let column = 0; column < columns; column += 1) {
    const [from, to] = [Math.floor((column * length) / columns), Math.floor(((column + 1) * length) / columns)];
    let top = 0;
    for (let at = from; at < Math.max(to, from + 1) && at < length; at += 1) {
      top = Math.max(top, values[at * channels + channel]);
    }
    loudest[column] = top / 255;
  }
  return loudest;
}

/**
 * Which channel is whose: {operator: 0, client: 1}, the channel that is loud while that side's turns last. Null where
 * the sound has not two channels or the turns do not tell.
 */
export function lanesOf(peaks, turns) {
  if (!peaks || peaks.channels !== 2) return null;
  const loudness = { operator: [0, 0], client: [0, 0] };
  for (const [index, turn] of turns.entries()) {
    const sums = loudness[turn.role];
    if (!sums) continue;
    const to = endOf(turns, index, peaks.seconds);
    const last = Math.min(peaks.length, Math.round(to * peaks.perSecond));
    for (let at = Math.round(turn.start * peaks.perSecond); at < last; at += 1) {
      for (const channel of [0, 1]) sums[channel] += peaks.values[at * 2 + channel];
    }
  }
  const left = loudness.operator[0] + loudness.client[1];
  const right = loudness.operator[1] + loudness.client[0];
  if (Math.max(left, right) < 1.2 * Math.min(left, right) || left === right) return null;
  return left > right ? { operator: 0, client: 1 } : { operator: 1, client: 0 };
}
