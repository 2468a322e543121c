/** Each benchmark writes its own part of the page, and no other. */

import { describe, expect, test } from "vitest";
import { kernelVersion, markdownTable, withSection } from "../../bench/lib/page-section.mjs";

const PAGE = "# Benchmarks\n\n<!-- one -->\n\nold\n\n<!-- /one -->\n\nprose\n\n<!-- two -->\n\nkept\n\n<!-- /two -->\n";

describe("a section", () => {
  test("is replaced, and nothing else", () =>
    expect(withSection(PAGE, "one", "new $& text\n")).toBe(PAGE.replace("old", () => "new $& text")));

  test("comes to the end of a page that has none of its name", () =>
    expect(withSection(PAGE, "three", "new")).toBe(`${PAGE}\n<!-- three -->\n\nnew\n\n<!-- /three -->\n`));

  test("written twice is there once", () =>
    expect(withSection(withSection(PAGE, "three", "a"), "three", "b")).toBe(withSection(PAGE, "three", "b")));

  test.each([
    ["without its end", PAGE.replace("<!-- /one -->", "")],
    ["without its beginning", PAGE.replace("<!-- one -->", "")],
  ])("%s is an error", (_, page) => expect(() => withSection(page, "one", "new")).toThrow(/one of <!-- one -->/));
});

test("a table has a rule below its head, and numbers to the right", () =>
  expect(
    markdownTable([
      ["server", "µs"],
      ["tsgate", "10"],
    ]),
  ).toBe("| server | µs |\n| --- | ---: |\n| tsgate | 10 |"));

test.each([
  ["6.18.44-vendor-v1", "6.18.44"],
  ["6.1.0-18-amd64", "6.1.0"],
  ["24.6.0", "24.6.0"],
])("the kernel %s is told as %s", (release, version) => expect(kernelVersion(release)).toBe(version));
