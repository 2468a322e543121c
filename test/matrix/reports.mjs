/** What is read in the JSON reports that vitest writes. */

import path from "node:path";

/**
 * @typedef {object} Report
 * @property {boolean} success
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {readonly FileResult[]} testResults
 */

/**
 * @typedef {object} FileResult
 * @property {string} name
 * @property {string} status
 * @property {string} [message] why the file as a whole failed
 * @property {readonly { status: string, fullName: string, failureMessages: readonly string[] }[]} assertionResults
 */

/**
 * Every test that failed, and every file that could not be read as one; without the frames of vitest.
 * @param {Report | undefined} report
 * @returns {{ name: string, message: string }[]}
 */
export function failuresOf(report) {
  return (report?.testResults ?? []).flatMap((file) => {
    const where = path.relative(process.cwd(), file.name);
    if (file.status === "failed" && file.assertionResults.length === 0)
      return [{ name: where, message: file.message ?? "" }];
    const failed = file.assertionResults.filter(({ status }) => status === "failed");
    return failed.map(({ fullName, failureMessages }) => ({
      name: `${where}: ${fullName}`,
      message: failureMessages.join("\n").replaceAll(/^ +at .*(?:@vitest|<anonymous>).*\n?/gm, ""),
    }));
  });
}

/**
 * Several reports as one.
 * @param {readonly Report[]} reports
 * @returns {Report}
 */
export function merged(reports) {
  /** @param {"numPassedTests" | "numFailedTests" | "numPendingTests" | "numTodoTests"} count */
  const sum = (count) => reports.reduce((total, report) => total + report[count], 0);
  return {
    success: reports.every(({ success }) => success),
    numPassedTests: sum("numPassedTests"),
    numFailedTests: sum("numFailedTests"),
    numPendingTests: sum("numPendingTests"),
    numTodoTests: sum("numTodoTests"),
    testResults: reports.flatMap(({ testResults }) => testResults),
  };
}
