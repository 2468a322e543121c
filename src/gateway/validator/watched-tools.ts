/** The smaller tools of an environ with the rules of using them: the error stream, early hints, the file wrapper. */

import { kindOf } from "../response-headers.ts";
import type { EarlyHints, ErrorStream, FileBody, FileLike, FileWrapper } from "../types.ts";
import type { Findings } from "./breach.ts";
import { headersProblem } from "./head-check.ts";

/** `gateway.errors`: text goes in, and nothing but what the rules name can be called. */
export function watchedErrors(stream: ErrorStream, findings: Findings): ErrorStream {
  const write = (text: string): void => {
    if (typeof text !== "string") {
      throw findings.breach(
        "L-2",
        "application",
        `the application wrote ${kindOf(text)} to gateway.errors, not a string`,
      );
    }
    stream.write(text);
  };
  return {
    write,
    writelines: (lines) => {
      if (typeof lines === "string" || typeof lines?.[Symbol.iterator] !== "function") {
        throw findings.breach(
          "L-2",
          "application",
          `the application gave ${kindOf(lines)} to writelines, not a list of strings`,
        );
      }
      for (const line of lines) write(line);
    },
    flush: () => stream.flush(),
  };
}

/** `gateway.early_hints`: a list of headers goes in, a boolean comes out. */
export function watchedHints(hints: EarlyHints, findings: Findings): EarlyHints {
  return function earlyHints(headers) {
    const problem = headersProblem(headers);
    if (problem !== undefined) throw findings.breach(problem.rule, "application", problem.message, earlyHints);
    const wasSent: unknown = hints(headers);
    if (typeof wasSent === "boolean") return wasSent;
    throw findings.breach("H-2", "server", `gateway.early_hints returned ${kindOf(wasSent)}, not true or false`);
  };
}

/** `gateway.file_wrapper`: what comes out is a body that can be closed. */
export function watchedFileWrapper(wrapper: FileWrapper, findings: Findings): FileWrapper {
  return (file: unknown, blockSize?: number) => {
    const body: Partial<FileBody> = wrapper(file as FileLike, blockSize);
    if (typeof body?.[Symbol.asyncIterator] !== "function" || typeof body.close !== "function") {
      throw findings.breach("F-1", "server", `gateway.file_wrapper made ${kindOf(body)}, not a body with a close()`);
    }
    return body as FileBody;
  };
}
