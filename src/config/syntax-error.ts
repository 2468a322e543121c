/**
 * Where a module does not parse. Node tells it for CommonJS only, so on this path alone, when nothing is to be served
 * anyway, Node is asked again in a process of its own.
 */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** `file:line` of a syntax error met while importing `file`, or undefined when it is not to be had. Never throws. */
export async function placeOfSyntaxError(file: string, error: SyntaxError): Promise<string | undefined> {
  const known = placeIn(error.stack ?? "") ?? placeIn(await complaintOfCheck(file));
  if (known !== undefined) return known;
  const culprit = await unparsableImport(file, error.message);
  return culprit === "" ? undefined : placeIn(await complaintOfCheck(culprit));
}

/** Puts the place of a syntax error met while importing `file` before its stack, where people look. Never throws. */
export async function locateSyntaxError(file: string, error: unknown): Promise<void> {
  if (!(error instanceof SyntaxError) || error.stack?.startsWith("SyntaxError:") !== true) return;
  const place = await placeOfSyntaxError(file, error);
  if (place !== undefined) error.stack = `${place}\n${error.stack ?? ""}`;
}

/** What to do about `import` and `export` in a file that Node takes for CommonJS; empty for any other error. */
export function hintForModuleSyntax(error: unknown): string {
  const isModuleSyntax = error instanceof SyntaxError && MODULE_SYNTAX.test(error.message);
  return isModuleSyntax ? '; name the file .mjs (.mts), or say "type": "module" in its package.json' : "";
}

const MODULE_SYNTAX = /^(?:Unexpected token 'export'|Cannot use import statement outside a module)/;

/** Both print the place alone on the first line. */
function placeIn(text: string): string | undefined {
  return /^(?:file:\/\/)?(\/.*?)(?:\?[^:]*)?(:\d+)$/m
    .exec(text.split("\n", 1)[0] ?? "")
    ?.slice(1)
    .join("");
}

async function complaintOfCheck(file: string): Promise<string> {
  return (await askNode(["--check", file])).stderr;
}

/** The module among those that `file` imports by a path, near or far, that fails with `message`; empty if none does. */
async function unparsableImport(file: string, message: string): Promise<string> {
  const { stdout } = await askNode([
    "--experimental-vm-modules",
    "--no-warnings",
    "--eval",
    FINDER,
    "--",
    file,
    message,
  ]);
  return stdout;
}

/** Parses modules and runs none of them. */
const FINDER = `
const fs = require("node:fs");
const { fileURLToPath, pathToFileURL } = require("node:url");
const { SourceTextModule } = require("node:vm");
const [first, message] = process.argv.slice(1);
const urls = new Set([pathToFileURL(first).href]);
for (const url of urls) {
  try {
    const module = new SourceTextModule(fs.readFileSync(fileURLToPath(url), "utf8"));
    const specifiers = module.moduleRequests?.map((request) => request.specifier) ?? module.dependencySpecifiers;
    for (const specifier of specifiers) if (/^[.]{0,2}[/]/.test(specifier)) urls.add(new URL(specifier, url).href);
  } catch (error) {
    if (error.message !== message) continue;
    process.stdout.write(fileURLToPath(url));
    break;
  }
}`;

async function askNode(args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const options = { timeout: 5000, env: { PATH: process.env["PATH"] } };
  try {
    return await promisify(execFile)(process.execPath, args, options);
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    return { stdout: stdout ?? "", stderr: stderr ?? "" };
  }
}
