/** Applications that tell what they were called with. */

import type { Environ, StartResponse } from "../../../src/gateway/index.ts";
import { type ApplicationMaker, TEXT } from "./makers.ts";

const answerJson = (startResponse: StartResponse, value: object) => {
  startResponse(200, [["Content-Type", "application/json"]]);
  return [JSON.stringify(value)];
};

export const environApplications: Readonly<Record<string, ApplicationMaker>> = {
  environ: () => (environ, startResponse) =>
    answerJson(
      startResponse,
      Object.fromEntries(Object.entries(environ).filter(([, value]) => typeof value === "string")),
    ),
  "environ-types": () => (environ, startResponse) => answerJson(startResponse, typesOf(environ)),
  "marks-its-environ": () => (environ, startResponse) => {
    const wasMarked = "suite.mark" in environ;
    environ["suite.mark"] = true;
    startResponse(200, TEXT);
    return [String(wasMarked)];
  },
  "meets-another": () => {
    let calls = 0;
    let meet = (): void => {};
    const met = new Promise<void>((resolve) => {
      meet = resolve;
    });
    return async (_environ, startResponse) => {
      if (++calls === 2) meet();
      await met;
      startResponse(200, TEXT);
      return ["met"];
    };
  },
};

function typesOf(environ: Environ): Readonly<Record<string, string>> {
  const prototype: unknown = Object.getPrototypeOf(environ);
  const keys = Object.keys(environ).filter((key) => !key.includes("."));
  return {
    isPlain: String(prototype === Object.prototype || prototype === null),
    isExtensible: String(Object.isExtensible(environ)),
    missing: ALWAYS.filter((key) => environ[key] === undefined).join(" "),
    notStrings: keys.filter((key) => typeof environ[key as "PATH_INFO"] !== "string").join(" "),
    "gateway.version": JSON.stringify(environ["gateway.version"]),
    "gateway.multithread": typeof environ["gateway.multithread"],
    "gateway.multiprocess": typeof environ["gateway.multiprocess"],
    "gateway.run_once": typeof environ["gateway.run_once"],
    "gateway.signal": environ["gateway.signal"] instanceof AbortSignal ? "AbortSignal" : "something else",
    "gateway.input": functionsOf(environ["gateway.input"], "read", Symbol.asyncIterator),
    "gateway.errors": functionsOf(environ["gateway.errors"], "write", "writelines", "flush"),
    "gateway.file_wrapper": typeof environ["gateway.file_wrapper"],
    "gateway.early_hints": typeof environ["gateway.early_hints"],
  };
}

function functionsOf(object: object, ...names: (string | symbol)[]): string {
  return names
    .filter((name) => typeof (object as Readonly<Record<string | symbol, unknown>>)?.[name] === "function")
    .map((name) => (typeof name === "symbol" ? String(name.description).replace("Symbol.", "") : name))
    .join(" ");
}

const ALWAYS = [
  "REQUEST_METHOD",
  "SCRIPT_NAME",
  "PATH_INFO",
  "QUERY_STRING",
  "REQUEST_URI",
  "SERVER_NAME",
  "SERVER_PORT",
  "SERVER_PROTOCOL",
  "gateway.version",
  "gateway.url_scheme",
  "gateway.input",
  "gateway.errors",
  "gateway.multithread",
  "gateway.multiprocess",
  "gateway.run_once",
  "gateway.file_wrapper",
  "gateway.early_hints",
  "gateway.signal",
] as const;
