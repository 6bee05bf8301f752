// The page's sentences, numbers and times in the language of Airflow's page. Sentences are in the two catalogues alone.
// i18next keeps that language in this browser. The attribute of Airflow's page (3.3.2) says `en` until it is changed, and
// stays so if the listener that sets it begins after the language has come: it is a signal, not the source.
export const language = () => ((spoken() || document.documentElement.lang).toLowerCase().startsWith("ru") ? "ru" : "en");

function spoken() {
  try {
    return localStorage.i18nextLng;
  } catch {
    return ""; // a browser that keeps nothing
  }
}

const CATALOGUES = {};

/** Fetches the sentences of the present language, once; to be awaited before the first of them is shown. */
export async function learn(now = language()) {
  CATALOGUES[now] ??= (await import(`./catalogue_${now}.js`))[now.toUpperCase()];
}

/** The present language if its sentences are there, else null. */
export const learned = () => (CATALOGUES[language()] ? language() : null);

const ORDER = { ru: ["one", "few", "many"], en: ["one", "other"] };

/**
 * The sentence of a key. `{name}` takes a fact; `{n|звонок|звонка|звонков}` is the form of a word that goes with the
 * number n, in the order of CLDR: one, few, many in Russian, one, other in English.
 */
export function t(key, facts = {}) {
  const now = language();
  const sentence = (CATALOGUES[now] ?? Object.values(CATALOGUES)[0])[key]; // a new language is on its way
  if (sentence === undefined) return key;
  return sentence.replace(/\{(\w+)((?:\|[^{}|]*)*)\}/g, (_, name, forms) => {
    if (!forms) return facts[name] ?? "";
    const wanted = new Intl.PluralRules(now).select(facts[name]);
    const all = forms.slice(1).split("|");
    return all[Math.max(0, ORDER[now].indexOf(wanted))] ?? all.at(-1);
  });
}

/** The name of a code (a flag, a status): the catalogue's, or the code itself where a newer server sends a new one. */
export function named(kind, code) {
  const key = `${kind}.${code}`;
  const name = t(key);
  return name === key ? String(code) : name;
}

/** A side of the conversation; voices that are told apart without a role have numbers. */
export const roleName = (code) => (/^\d+$/.test(code) ? `${named("role", "unknown")} ${code}` : named("role", code));

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

/** Money comes as text with all its digits; the last places are cut for the eye only. */
export const usd = (text, digits = 2) => (text === null || text === undefined ? t("none") : `${number(text, digits)} USD`);

export const minutesOf = (value) => number(value, Number(value) < 10 ? 1 : 0);

export const seconds = (value) => duration(Number(value));

/** The share of existing recordings that have a text: of a run (`existing`), or of a day's counts. */
export function coverageOf(counts) {
  const existing = counts.existing ?? counts.completed + counts.errors + counts.waiting;
  return existing ? counts.completed / existing : null;
}

/** The days of a run. */
export function periodOf(run) {
  const [first, last] = [day(run.period_from), day(run.period_to)];
  return first === last ? first : `${first} – ${last}`;
}

/** Airflow's own page of a DAG run. */
export const airflowRun = (dagRunId) => `dags/call_export/runs/${encodeURIComponent(dagRunId)}`;

export const share = (value) =>
  value === null || value === undefined
    ? t("none")
    : new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: 1 }).format(value);

export const bytes = (size) => {
  if (size === null || size === undefined) return t("none");
  const steps = ["B", "KB", "MB", "GB"];
  let [value, step] = [size, 0];
  while (value >= 1000 && step < steps.length - 1) [value, step] = [value / 1000, step + 1];
  return `${number(value, step && value < 10 ? 1 : 0)} ${t(`bytes.${steps[step]}`)}`;
};

/** "6 min 40 s" of seconds, for eyes. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return t("none");
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (h) return t("duration.hours", { h, m });
  return m ? t("duration.minutes", { m, s }) : t("duration.seconds", { s });
}

/** "1 minute 5 seconds", for ears. */
export function spokenTime(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [m, s] = [Math.floor(whole / 60), whole % 60];
  return m ? t("spoken.minutes", { m, s }) : t("spoken.seconds", { s });
}

const WRITTEN = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/;

/** The time as it was on the clock where the call was made, not where the reader sits: the offset is the server's. */
function onTheWall(iso) {
  const found = WRITTEN.exec(iso ?? "");
  return found ? { date: new Date(`${found[1]}T${found[2]}Z`), offset: found[3] } : null;
}

const format = (date, options) => new Intl.DateTimeFormat(language() === "ru" ? "ru" : "en-GB", { timeZone: "UTC", ...options }).format(date);

export function day(iso) {
  const wall = onTheWall(iso) ?? onTheWall(`${iso}T00:00Z`);
  // In English the order of day and month depends on the reader, so the month is a word.
  const month = language() === "ru" ? "2-digit" : "short";
  return wall ? format(wall.date, { day: "2-digit", month, year: "numeric" }) : t("none");
}

export function time(iso, { seconds = false } = {}) {
  const wall = onTheWall(iso);
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(seconds ? { second: "2-digit" } : {}) };
  return wall ? format(wall.date, options) : "";
}

export const dayAndTime = (iso, options) => (onTheWall(iso) ? `${day(iso)}, ${time(iso, options)}` : t("none"));

/** "UTC+3" of the offset that the server wrote. */
export function offset(iso) {
  const wall = onTheWall(iso);
  if (!wall?.offset || wall.offset === "Z") return "UTC";
  const [, sign, hours, minutes] = /([+-])(\d{2}):?(\d{2})/.exec(wall.offset);
  if (hours === "00" && minutes === "00") return "UTC";
  return `UTC${sign === "-" ? "−" : "+"}${Number(hours)}${minutes === "00" ? "" : `:${minutes}`}`;
}
