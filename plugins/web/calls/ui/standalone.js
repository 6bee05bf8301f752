// The page at /call_export/ui/: the same modules without Airflow's page around them, with a React of their own.
// Theme and language are those that Airflow's page keeps in this browser.
globalThis.callBrowserStandalone = true;
const root = document.documentElement;
const stored = (name) => globalThis.localStorage?.getItem(name);

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => {
  const wanted = stored("theme") ?? "system";
  const night = wanted === "dark" || (wanted === "system" && dark.matches);
  root.classList.toggle("dark", night);
  root.style.colorScheme = night ? "dark" : "light";
};
theme();
dark.addEventListener("change", theme);
root.lang = stored("i18nextLng") ?? navigator.language;

await import("./main.js");
globalThis.ReactDOM.createRoot(document.getElementById("call-browser")).render(
  globalThis.React.createElement(globalThis["Звонки"]),
);
