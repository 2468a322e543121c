/** The programs and applications of the contestants, and what can stand in their folders. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const APPLICATIONS = new URL("../../fixtures/compared/", import.meta.url);
const PROGRAMS = new URL("../programs/", import.meta.url);

/** The application of the contestants on Node, to be imported. */
export const APPLICATION_URL = new URL("application.mjs", APPLICATIONS).href;

/** The program that listens by itself, as a file of the contestant's folder. */
export const PROGRAM_TEXTS = {
  good: `require(${JSON.stringify(programFile("program.cjs"))}).serve(${JSON.stringify(APPLICATION_URL)});\n`,
  broken: 'throw new Error("broken on purpose");\n',
};

/** @param {string} name */
export function programFile(name) {
  return fileURLToPath(new URL(name, PROGRAMS));
}

/** @param {string} name */
export function applicationText(name) {
  return readFileSync(new URL(name, APPLICATIONS), "utf8");
}
