// Rules for texts and times, without a page: each function is pure and tested alone.

/** 65.2 -> "1:05", 3725 -> "1:02:05". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The moment of an address: "65.2" or "1:05"; null for anything else. */
export function moment(text) {
  if (!text || !/^\d{1,6}(\.\d{1,3})?$|^(\d{1,2}:)?\d{1,2}:\d{2}$/.test(text)) return null;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The text as searches see it: small letters, ё as е. The length does not change, so offsets stay right. */
export function fold(text) {
  let folded = "";
  for (const unit of text) {
    const small = unit.toLowerCase();
    folded += small.length === unit.length ? small : unit;
  }
  return folded.replaceAll("ё", "е");
}

/** Offsets [from, to) of a text in another, neither overlapping nor touching the case or ё. */
export function occurrences(text, wanted) {
  const [inside, needle] = [fold(text), fold(wanted.trim())];
  const found = [];
  if (!needle) return found;
  for (let at = inside.indexOf(needle); at !== -1; at = inside.indexOf(needle, at + needle.length)) {
    found.push([at, at + needle.length]);
  }
  return found;
}

const WORD = /[\p{L}\p{N}]/u;

/** As `occurrences`, but of whole words: "он" is not found in "телефон". */
export function wholeWords(text, wanted) {
  return occurrences(text, wanted).filter(
    ([from, to]) => !WORD.test(text[from - 1] ?? " ") && !WORD.test(text[to] ?? " "),
  );
}

/** The text cut at marks: [["the ", null], ["word", 0]]; the second is the index of the mark. Marks may overlap. */
export function cut(text, marks) {
  const parts = [];
  let at = 0;
  const ordered = marks.map(([from, to], index) => [from, to, index]).sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  for (const [from, to, index] of ordered) {
    const begin = Math.max(from, at);
    if (begin >= to) continue;
    if (begin > at) parts.push([text.slice(at, begin), null]);
    parts.push([text.slice(begin, to), index]);
    at = to;
  }
  if (at < text.length) parts.push([text.slice(at), null]);
  return parts;
}

/** Every place of a text in the turns, in order: [{turn, from, to}]. */
export function findInTurns(turns, wanted) {
  return turns.flatMap((turn, index) =>
    occurrences(turn.text, wanted).map(([from, to]) => ({ turn: index, from, to })),
  );
}

/** The words that the server marked in a call's snippets, each once. */
export function markedWords(snippets) {
  const words = (snippets ?? []).flatMap(({ parts }) => parts.filter(([, hit]) => hit).map(([text]) => fold(text)));
  return [...new Set(words)].filter(Boolean);
}

// Characters that turn a line around or hide in it; a name may hold them, our page does not show them.
const INVISIBLE = /[\p{Cf}\p{Cc}]/gu;
export const plain = (text) => (text ?? "").replace(INVISIBLE, (unit) => (/[\n\t]/.test(unit) ? " " : ""));
