/** A figure as it is asked for and as it was reached. */

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {string} asked
 * @property {string} reached
 * @property {boolean} isReached
 * @property {Readonly<Record<string, unknown>>} [details] what it was computed from
 */

/**
 * A figure that has an upper limit.
 * @param {string} name
 * @param {number} value
 * @param {number} limit
 * @param {{ unit: string, digits?: number, details?: Figure["details"] }} options
 * @returns {Figure}
 */
export function atMost(name, value, limit, { unit, digits = 2, details }) {
  const figure = {
    name,
    asked: `≤ ${limit} ${unit}`,
    reached: `${value.toFixed(digits)} ${unit}`,
    isReached: value <= limit,
  };
  return details === undefined ? figure : { ...figure, details };
}

/**
 * A figure that cannot be measured here, which counts as missed.
 * @param {string} name
 * @param {string} why
 * @returns {Figure}
 */
export const notMeasured = (name, why) => ({
  name,
  asked: "measured",
  reached: `not measured: ${why}`,
  isReached: false,
});

/**
 * Figures as lines of a table.
 * @param {readonly Figure[]} figures
 */
export function table(figures) {
  const rows = [
    ["figure", "asked", "reached", ""],
    ...figures.map(({ name, asked, reached, isReached }) => [name, asked, reached, isReached ? "met" : "MISSED"]),
  ];
  return aligned(rows);
}

/**
 * Rows of cells as lines with straight columns.
 * @param {readonly (readonly string[])[]} rows
 */
export function aligned(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/**
 * Numbers for people: two digits after the point.
 * @param {readonly number[]} values
 */
export const rounded = (values) => values.map((value) => Math.round(value * 100) / 100);
