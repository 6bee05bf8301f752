// Two lanes, the turns in them, the place that sounds. It draws peaks that the server made: nothing is decoded here.
import { html, useEffect, useRef } from "./host.js";
import { columnsOf, endOf } from "./sound.js";
import { roleName, spokenTime, t } from "./words.js";

const LANE = 40;
const GAP = 6;
const BAR = 3;

/** Colours of the theme as the style sheet has them now; they change when Airflow's theme does. */
function colours(element) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(`--cb-${name}`).trim();
  return { operator: value("operator"), client: value("client"), unknown: value("unknown"), doubt: value("doubt"), at: value("text") };
}

/** The lane of a turn: by role, where two sides are known; all else is in the first. */
const laneOf = (role) => (role === "client" ? 1 : 0);

function draw(canvas, { peaks, lanes, turns, seconds, at, played }) {
  const [width, ratio] = [canvas.clientWidth, globalThis.devicePixelRatio || 1];
  const two = peaks ? peaks.channels > 1 : turns.some((turn) => turn.role === "client");
  const height = two ? 2 * LANE + GAP : LANE;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  if (!seconds || !width) return;
  const colour = colours(canvas);
  const x = (second) => (second / seconds) * width;
  turns.forEach((turn, index) => {
    const [from, to] = [x(turn.start), x(endOf(turns, index, seconds))];
    const top = two ? laneOf(turn.role) * (LANE + GAP) : 0;
    pen.fillStyle = colour[turn.role] ?? colour.unknown;
    pen.globalAlpha = peaks ? 0.14 : 0.55;
    pen.fillRect(from, peaks ? top : top + LANE / 4, Math.max(1, to - from), peaks ? LANE : LANE / 2);
    if (turn.doubt) {
      pen.globalAlpha = 1;
      pen.fillStyle = colour.doubt;
      pen.fillRect(from, top, Math.max(2, to - from), 3);
    }
  });
  if (peaks) drawPeaks(pen, { peaks, lanes, width, two, colour, played: x(played) });
  pen.globalAlpha = 1;
  pen.fillStyle = colour.at;
  pen.fillRect(Math.min(width - 2, x(at)), 0, 2, height);
}

function drawPeaks(pen, { peaks, lanes, width, two, colour, played }) {
  const columns = Math.max(1, Math.floor(width / BAR));
  for (let lane = 0; lane < (two ? 2 : 1); lane += 1) {
    const role = lane === 1 ? "client" : "operator";
    const channel = two ? (lanes?.[role] ?? lane) : 0;
    const middle = lane * (LANE + GAP) + LANE / 2;
    pen.fillStyle = two && lanes ? colour[role] : colour.unknown;
    columnsOf(peaks, channel, columns).forEach((value, column) => {
      const half = Math.max(0.75, Math.sqrt(value) * (LANE / 2 - 2));
      pen.globalAlpha = column * BAR < played ? 1 : 0.5;
      pen.fillRect(column * BAR, middle - half, BAR - 1, half * 2);
    });
  }
}

export function Waveform({ playback, peaks, lanes, turns }) {
  const canvas = useRef(null);
  const slider = useRef(null);
  useEffect(() => {
    const paint = () => {
      if (!canvas.current) return;
      const { at, seconds } = playback;
      draw(canvas.current, { peaks, lanes, turns, seconds, at, played: at });
      slider.current.setAttribute("aria-valuenow", String(Math.round(at)));
      slider.current.setAttribute("aria-valuemax", String(Math.round(seconds)));
      const turn = turns[playback.turn];
      const who = turn ? roleName(turn.role) : t("wave.nobody_yet");
      slider.current.setAttribute("aria-valuetext", `${spokenTime(at)}, ${who}`);
    };
    paint();
    playback.listeners.add(paint);
    const size = new ResizeObserver(paint);
    size.observe(canvas.current);
    const theme = new MutationObserver(paint);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style", "lang"] });
    return () => {
      playback.listeners.delete(paint);
      size.disconnect();
      theme.disconnect();
    };
  }, [playback, peaks, lanes, turns]);

  const seekTo = (event) => {
    const box = canvas.current.getBoundingClientRect();
    playback.seek(((event.clientX - box.left) / box.width) * playback.seconds);
  };
  const steps = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageDown: -30, PageUp: 30 };
  const pressed = (event) => {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (key in steps) playback.seek(playback.at + steps[key]);
    else if (key === "Home") playback.seek(0);
    else if (key === "End") playback.seek(playback.seconds);
    else return;
    event.preventDefault();
  };
  const names = lanes || !peaks ? ["operator", "client"] : null;
  const two = peaks ? peaks.channels > 1 : turns.some((turn) => turn.role === "client");
  return html`<div className="cb-wave">
    ${two && html`<div className="cb-lane-names" aria-hidden="true">${[0, 1].map((lane) => html`<span key=${lane}
      className=${`cb-role cb-role-${names?.[lane] ?? "unknown"}`}>${names ? roleName(names[lane]) : t(`wave.channel_${lane}`)}</span>`)}</div>`}
    <div ref=${slider} role="slider" tabIndex="0" aria-label=${t("wave.label")} aria-valuemin="0" aria-valuemax="0"
      aria-valuenow="0" className="cb-wave-slider" onKeyDown=${pressed} onPointerDown=${(event) => {
        if (event.button) return;
        seekTo(event);
        event.currentTarget.setPointerCapture(event.pointerId);
      }} onPointerMove=${(event) => event.buttons === 1 && seekTo(event)}>
      <canvas ref=${canvas} /></div></div>`;
}
