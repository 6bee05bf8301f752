// What the page that holds us gives: React, the router, the language and the address it lives under.
// Everything that we take from Airflow's page is named in this file. `standalone.js` puts the same names there.
import htm from "./vendor/htm.js";

export const React = globalThis.React;
export const { useCallback, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } = React;
export const html = htm.bind(React.createElement);

export const MODULES = new URL(".", import.meta.url);
export const STANDALONE = globalThis.callBrowserStandalone === true;

/** The address of something that the api-server serves, behind any prefix. */
export const hostUrl = (path) => new URL(path, document.baseURI).href;

// Our pages' addresses begin with this; in Airflow it is the react_app's `url_route`.
export const ROOT = new URL(STANDALONE ? "call_export/ui/" : "plugin/calls/", document.baseURI).pathname;

/** The part of the address behind the application's own root: "call/31337" or "" for the list. */
export function ownPath(pathname = location.pathname) {
  const inside = `${pathname}/`.startsWith(ROOT) ? pathname.slice(ROOT.length) : "";
  return inside.replace(/\/+$/, "");
}

let move = null;

/** Takes Airflow's own `navigate` where there is one, so that the page is changed and not loaded anew. */
export function useHostNavigation() {
  const router = STANDALONE ? null : globalThis.ReactRouterDOM;
  // The router is there for the whole life of a page, so the order of hooks never changes.
  const navigate = router?.useNavigate?.();
  const path = router?.useLocation?.();
  const [, redraw] = useState(0);
  const again = () => redraw((n) => n + 1);
  move = (address) => {
    if (navigate) {
      const base = new URL(document.baseURI).pathname.replace(/\/$/, "");
      navigate(address.startsWith(base) ? address.slice(base.length) || "/" : address);
    } else {
      history.pushState(null, "", address);
      again();
    }
  };
  useEffect(() => {
    addEventListener("popstate", again);
    return () => removeEventListener("popstate", again);
  }, []);
  return path?.pathname;
}

/** To a page of ours ("call/5?t=3") or, with `host`, to a page of Airflow ("required_actions"). */
export function go(path, { host = false } = {}) {
  const address = host ? new URL(path, document.baseURI) : new URL(path, new URL(ROOT, document.baseURI));
  if (host && STANDALONE) location.assign(address);
  else move(address.pathname + address.search + address.hash);
}

export const addressOf = (path, { host = false } = {}) =>
  new URL(path, host ? document.baseURI : new URL(ROOT, document.baseURI)).href;

/** Changes query or fragment in place. Not through the router, which would draw the page anew once. */
export function replaceAddress({ search = location.search, hash = location.hash }) {
  history.replaceState(history.state, "", location.pathname + search + hash);
}

/** Calls `changed` whenever Airflow changes the language of its page. */
export function watchLanguage(changed) {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
  return () => observer.disconnect();
}
