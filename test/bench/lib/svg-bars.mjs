/** A plot of bars as an SVG image that stands in a page: one group a contestant, one bar a measurement. Pure. */

const COLORS = ["#2563a6", "#c2702d"];
const ROW = 18;
const LEFT = 150;
const WIDTH = 640;

/**
 * @param {string} title
 * @param {readonly { name: string, values: Readonly<Record<string, number>> }[]} groups
 */
export function bars(title, groups) {
  const names = Object.keys(groups[0]?.values ?? {});
  const most = Math.max(...groups.flatMap(({ values }) => Object.values(values)));
  const height = 60 + groups.length * (names.length * ROW + 12);
  let y = 50;
  const parts = [text(10, 20, title, "bold")];
  for (const [index, name] of names.entries()) {
    parts.push(rect(LEFT + index * 140, 28, 12, 12, index), text(LEFT + 18 + index * 140, 38, name));
  }
  for (const { name, values } of groups) {
    parts.push(text(10, y + (names.length * ROW) / 2 + 4, name));
    for (const [index, key] of names.entries()) {
      const value = values[key] ?? 0;
      const length = (value / most) * (WIDTH - LEFT - 80);
      parts.push(rect(LEFT, y, length, ROW - 4, index), text(LEFT + length + 6, y + 11, value.toFixed(0)));
      y += ROW;
    }
    y += 12;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

/** @param {number} x @param {number} y @param {string} content @param {string} [weight] */
function text(x, y, content, weight = "normal") {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-weight="${weight}" fill="#222">${content}</text>`;
}

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {number} color */
function rect(x, y, width, height, color) {
  return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="${COLORS[color % 2]}"/>`;
}
