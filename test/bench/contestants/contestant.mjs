/** What the comparison knows of a server. */

import { versionOf } from "../../compare/contestants/contestant.mjs";

/** @typedef {import("../lib/servers.mjs").Running} Running */

/**
 * @typedef {object} Place where and how one is started
 * @property {string} node the Node that is measured
 * @property {string} workload
 * @property {number} workers for those that have workers
 * @property {number} core the only one it may run on
 * @property {string} folder of its own, empty
 */

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} how it is started, for the page
 * @property {(node: string) => Promise<string | undefined> | string | undefined} problem a sentence when it cannot be started here
 * @property {(node: string) => string} version
 * @property {(place: Place) => Promise<Running>} start
 * @property {(running: Running, place: Place) => Promise<void> | void} [reload] absent where it has none
 * @property {boolean} [hasWorkers] whether it serves with `workers` processes or threads
 * @property {readonly string[]} [workloads] the only ones that it can serve
 */

/** @param {string} node */
export const nodeMajor = (node) => Number(versionOf(node, "--version").split(".", 1)[0]);

/** @param {string} node */
export const nodeVersion = (node) => `Node ${versionOf(node, "--version")}`;
