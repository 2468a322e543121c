import { describe, expect, test } from "vitest";
import { parseFolder, staticFolders } from "../../../src/config/static-folder.ts";

describe("a folder of files", () => {
  test.each([
    ["/=public", "/", "public"],
    ["/assets=dist/assets", "/assets", "dist/assets"],
    ["/assets/=/srv/a=b", "/assets", "/srv/a=b"],
    [" /a/b = ../x ", "/a/b ", ""],
  ])("%j", (text, prefix, directory) => {
    if (directory === "") return expect(() => parseFolder(text)).toThrow("a space");
    expect(parseFolder(text)).toEqual({ prefix, directory });
  });

  test.each([
    ["public", "is not PREFIX=DIR; give one such as /assets=public"],
    ["/assets=", "names no directory; give one, such as /assets=public"],
    ["assets=public", "does not begin with a slash"],
    ["host:a/b=public", "does not begin with a slash"],
    ["/a//b=public", "has an empty segment"],
    ["/a/../b=public", "begins with a dot"],
    ["/.git=public", "begins with a dot"],
    ["/a%20b=public", "is percent-encoded"],
    ["/a?b=public", "has more than a path"],
    ["/a\\b=public", "has a backslash"],
    [5, "is not PREFIX=DIR"],
  ])("%j is refused", (text, problem) => {
    expect(() => parseFolder(text)).toThrow(problem);
  });

  test("may be several, also as an object, but not twice the same", () => {
    const type = staticFolders();
    const both = [
      { prefix: "/", directory: "a" },
      { prefix: "/b", directory: "c" },
    ];
    expect(type.fromNative({ "/": "a", "/b": "c" })).toEqual(both);
    expect(type.fromNative(["/=a", "/b=c"])).toEqual(both);
    expect(type.fromNative("/=a")).toEqual(both.slice(0, 1));
    expect(type.show(both)).toEqual(["/=a", "/b=c"]);
    expect(() => type.fromTexts(["/b=c", "/b/=d"])).toThrow("/b is given twice");
    expect(() => type.fromNative({ "/": 5 })).toThrow("/ is 5; give a directory");
  });
});
