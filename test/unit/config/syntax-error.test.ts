import { expect, test } from "vitest";
import { hintForModuleSyntax } from "../../../src/config/syntax-error.ts";

test.each(["Unexpected token 'export'", "Cannot use import statement outside a module"])(
  "%s is answered with what would make the file an ES module",
  (message) => {
    expect(hintForModuleSyntax(new SyntaxError(message))).toContain(".mjs");
  },
);

test.each([new SyntaxError("Unexpected token ';'"), new Error("Unexpected token 'export'"), undefined])(
  "any other failure is left as it is: %s",
  (error) => {
    expect(hintForModuleSyntax(error)).toBe("");
  },
);
