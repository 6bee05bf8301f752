// Small charts as inline SVG. Each has its numbers as a table, for screen readers and for those who want to read them.
import { html } from "./host.js";
import { Table } from "./parts.js";
import { t } from "./words.js";

const [WIDTH, HEIGHT, FOOT] = [640, 150, 18];

/**
 * Bars beside each other, each a stack. `bars` are [{key, label, parts: {name: value}}], `parts` are [name, label] from the
 * bottom up, `format` writes a value; a bar that is a link has `href` and `open`.
 */
export function Bars({ title, note, bars, parts, format, axis = format, columns = [] }) {
  const sum = (bar) => parts.reduce((total, [name]) => total + Number(bar.parts[name] ?? 0), 0);
  const most = Math.max(0, ...bars.map(sum));
  const width = Math.min(WIDTH / Math.max(bars.length, 1), 48);
  const gap = Math.min(2, width / 4);
  const used = parts.filter(([name]) => bars.some((bar) => Number(bar.parts[name] ?? 0) > 0));
  const rows = [...bars].reverse();
  return html`<figure className="cb-chart"><figcaption><h2>${title}</h2>${note && html`<p className="cb-muted cb-small">${note}</p>`}</figcaption>
    ${bars.length === 0 || most === 0 ? html`<p className="cb-muted">${t("charts.none")}</p>` : html`
    <ul className="cb-legend">${used.map(([name, label]) => html`<li key=${name}><i className=${`cb-fill-${name}`} />${label}</li>`)}</ul>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${t("charts.label", { title, n: bars.length })}>
      <text x="0" y="10">${axis(most)}</text>
      <line x1="0" x2=${WIDTH} y1=${HEIGHT - FOOT} y2=${HEIGHT - FOOT} />
      ${bars.map((bar, n) => html`<${Stack} key=${bar.key} bar=${bar} parts=${parts} most=${most} x=${n * width} width=${width - gap} format=${format} />`)}
      <text x="0" y=${HEIGHT - 4}>${bars[0].label}</text>
      ${bars.length > 1 && html`<text x=${Math.max(bars.length * width, 220)} y=${HEIGHT - 4} textAnchor="end">${bars.at(-1).label}</text>`}
    </svg>
    <details><summary>${t("charts.table")}</summary><${Table} label=${title} rows=${rows} rowKey=${(bar) => bar.key} columns=${[
      ["label", t("charts.what"), (bar) => bar.label],
      ...used.map(([name, label]) => [name, label, (bar) => format(Number(bar.parts[name] ?? 0)), { number: true }]), ...columns]} /></details>`}
  </figure>`;
}

function Stack({ bar, parts, most, x, width, format }) {
  let top = HEIGHT - FOOT;
  const drawn = parts.map(([name]) => {
    const height = (Number(bar.parts[name] ?? 0) / most) * (HEIGHT - FOOT - 14);
    top -= height;
    return height > 0 && html`<rect key=${name} className=${`cb-fill-${name}`} x=${x} y=${top} width=${width} height=${Math.max(height, 1)} />`;
  });
  const told = parts.filter(([name]) => Number(bar.parts[name] ?? 0) > 0).map(([name, label]) => `${label} ${format(Number(bar.parts[name]))}`);
  return html`<g>${drawn}<title>${[bar.label, ...told].join(", ")}</title></g>`;
}
