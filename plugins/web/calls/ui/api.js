// Requests to the api-server. What is typed travels in bodies only; a refusal is an error with the server's sentence.
import { useCallback, useEffect, useRef, useState, MODULES, hostUrl } from "./host.js";
import { language } from "./words.js";

const API = "call_export/ui/api/";
export const apiUrl = (path) => hostUrl(API + path);

/** `status` is 0 where no answer came; `detail` is the server's sentence; `wait` seconds it asked to wait. */
export class Refused extends Error {
  constructor(status, detail, wait = null, body = null) {
    super(detail || `HTTP ${status}`);
    Object.assign(this, { status, detail, wait, body });
  }
}

/** Airflow's login, and back to this very second. */
function logIn() {
  const login = new URL(hostUrl("api/v2/auth/login"));
  login.searchParams.set("next", location.pathname + location.search);
  location.assign(login);
}

/** `path` is below our own API; one that begins with a slash is below the api-server. */
export async function ask(path, { method = "GET", body, etag, signal, binary = false } = {}) {
  const headers = { Accept: binary ? "application/octet-stream" : "application/json" };
  headers["Accept-Language"] = language();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-Match"] = etag;
  let answer;
  try {
    answer = await fetch(path.startsWith("/") ? hostUrl(path.slice(1)) : apiUrl(path), {
      method, headers, signal, credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, null);
  }
  if (answer.status === 401) logIn();
  if (!answer.ok) {
    const said = await answer.json().catch(() => null);
    const detail = typeof said?.detail === "string" ? said.detail : null;
    throw new Refused(answer.status, detail, Number(answer.headers.get("Retry-After")) || null, said);
  }
  if (answer.status === 204) return null;
  return binary ? answer.arrayBuffer() : answer.json();
}

/** The version of these files is the folder that they were loaded from; null where they were served without one. */
export const VERSION = /\/static\/([\da-f]{8,64})\/$/.exec(MODULES.pathname)?.[1] ?? null;

/**
 * The answer of a GET for a component: {data, error, loading, again}. Old data stay while new ones are on their way;
 * a server that asks to wait is asked again by itself. `path` null asks nothing.
 */
export function useAnswer(path, options) {
  const [state, setState] = useState({ data: null, error: null, loading: path !== null, of: path });
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const kept = useRef(options);
  useEffect(() => {
    if (path === null) return undefined;
    const stop = new AbortController();
    let waiting = null;
    setState((was) => ({ ...(was.of === path ? was : { data: null, error: null }), loading: true, of: path }));
    ask(path, { ...kept.current, signal: stop.signal }).then(
      (data) => setState({ data, error: null, loading: false, of: path }),
      (error) => {
        if (error.name === "AbortError") return;
        setState((was) => ({ ...was, error, loading: false, of: path }));
        if (error.wait) waiting = setTimeout(again, error.wait * 1000);
      },
    );
    return () => {
      stop.abort();
      clearTimeout(waiting);
    };
  }, [path, turn, again]);
  const current = state.of === path ? state : { data: null, error: null, loading: path !== null };
  return { ...current, again, put: (data) => setState({ data, error: null, loading: false, of: path }) };
}
