/**
 * A plot of horizontal bars as an SVG image that stands in a page: one group a contestant, one bar a series, the spread
 * of a bar as a thin line across its end. Readable on light and on dark pages. Pure.
 */

const ROW = 18;
const GAP = 12;
const WIDTH = 720;
const CHARACTER = 6.8;
/** Of each series, in the light and in the dark. */
const COLORS = [
  ["#2563a6", "#6aa5e8"],
  ["#c2702d", "#e59a5c"],
  ["#3d8a57", "#6fc48d"],
  ["#8a4f9e", "#c391d6"],
];

/** @typedef {number | { value: number, low: number, high: number } | undefined} Bar undefined where there is none */
/** @typedef {{ name: string, values: Readonly<Record<string, Bar>> }} Group */

/**
 * @param {string} title
 * @param {readonly Group[]} groups the series are those of the first
 * @param {{ unit?: string, digits?: number, missing?: string }} [options] `missing`: what stands in place of a bar
 */
export function bars(title, groups, { unit = "", digits = 0, missing = "none" } = {}) {
  const series = Object.keys(groups[0]?.values ?? {});
  const left = 24 + CHARACTER * Math.max(...groups.map(({ name }) => name.length));
  const numbers = groups.flatMap(({ values }) => Object.values(values).map(highest));
  const scale = (WIDTH - left - 90) / Math.max(...numbers, Number.MIN_VALUE);
  const top = series.length > 1 ? 56 : 36;
  const parts = [text(10, 20, title, "title"), ...(series.length > 1 ? legend(series) : [])];
  let y = top;
  for (const { name, values } of groups) {
    parts.push(text(10, y + (series.length * ROW) / 2 + 3, name));
    for (const [index, key] of series.entries()) {
      parts.push(...bar(values[key], { left, y, index, scale, label: { unit, digits, missing } }));
      y += ROW;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escaped(title)}">`,
    style(series.length),
    `<rect class="page" width="${WIDTH}" height="${y}"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

/** @param {Bar} value */
const highest = (value) => (typeof value === "object" ? value.high : (value ?? 0));

/**
 * @param {Bar} value
 * @param {{ left: number, y: number, index: number, scale: number, label: { unit: string, digits: number, missing: string } }} place
 */
function bar(value, { left, y, index, scale, label }) {
  if (value === undefined) return [text(left, y + 12, label.missing, "faint")];
  const { value: middle, low, high } = typeof value === "object" ? value : { value, low: value, high: value };
  const parts = [rect(left, y, middle * scale, ROW - 4, index)];
  if (high > low) {
    const height = y + (ROW - 4) / 2;
    const [from, to] = [left + low * scale, left + high * scale].map((x) => x.toFixed(1));
    parts.push(`<path class="spread" d="M${from} ${height}H${to}M${from} ${height - 3}v6M${to} ${height - 3}v6"/>`);
  }
  const unit = label.unit === "" ? "" : ` ${label.unit}`;
  return [...parts, text(left + Math.max(middle, high) * scale + 6, y + 12, `${middle.toFixed(label.digits)}${unit}`)];
}

/** @param {readonly string[]} series */
function legend(series) {
  let x = 10;
  return series.flatMap((name, index) => {
    const at = x;
    x += 32 + name.length * CHARACTER;
    return [rect(at, 30, 12, 12, index), text(at + 18, 40, name)];
  });
}

/** @param {number} count of series */
function style(count) {
  const colors = Array.from({ length: count }, (_, index) => COLORS[index % COLORS.length] ?? []);
  /** @param {number} which */
  const fills = (which) => colors.map((pair, index) => `.s${index}{fill:${pair[which]}}`).join("");
  return [
    "<style>",
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:bold}.faint{fill:#767676}",
    `.page{fill:#fff}.spread{stroke:#222;fill:none}${fills(0)}`,
    "@media (prefers-color-scheme:dark){",
    `text{fill:#e6e6e6}.faint{fill:#999}.page{fill:#0d1117}.spread{stroke:#e6e6e6}${fills(1)}`,
    "}</style>",
  ].join("\n");
}

/** @param {number} x @param {number} y @param {string} content @param {string} [kind] */
function text(x, y, content, kind) {
  const name = kind === undefined ? "" : ` class="${kind}"`;
  return `<text${name} x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escaped(content)}</text>`;
}

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {number} index */
function rect(x, y, width, height, index) {
  return `<rect class="s${index}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}"/>`;
}

/** @param {string} content */
const escaped = (content) =>
  content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
