import { describe, expect, test } from "vitest";
import { ATOMS, parseAccessFormat, showsRequestId } from "../../../src/config/access-format.ts";
import { ValueError } from "../../../src/config/value-error.ts";

function complaint(format: unknown): string {
  try {
    parseAccessFormat(format);
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError);
    return (error as Error).message;
  }
  throw new Error(`${String(format)} was taken`);
}

describe("a format", () => {
  test("is text, atoms and named values", () => {
    expect(
      parseAccessFormat('%(h)s "%(r)s"\t100%% %({X-Request-Id}i)s%({Content-Type}o)s %({REMOTE_USER}e)s!'),
    ).toEqual([
      { atom: "h" },
      { text: ' "' },
      { atom: "r" },
      { text: '"\t100% ' },
      { named: "i", name: "x-request-id" },
      { named: "o", name: "content-type" },
      { text: " " },
      { named: "e", name: "REMOTE_USER" },
      { text: "!" },
    ]);
  });

  test.each(Object.keys(ATOMS))("takes %%(%s)s", (atom) => {
    expect(parseAccessFormat(`%(${atom})s`)).toEqual([{ atom }]);
  });

  test("may have a name", () => {
    expect(parseAccessFormat("json")).toBe("json");
    expect(parseAccessFormat("combined")).toEqual(
      parseAccessFormat('%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'),
    );
  });

  test.each([
    ["%(S)s", "%(S)s is not known; did you mean %(s)s?"],
    ["%(status)s", "did you mean %(s)s, or %({status}i)s for a header of the request?"],
    ["%(stauts)s", "%(stauts)s is not known; did you mean %(s)s"],
    ["%(x-request-id)s", "did you mean %({x-request-id}i)s for a header of the request?"],
    ["%(Z)s", "%(Z)s is not known; there are h l u t r m U q H s B b f a T D M L p, as in %(h)s"],
    ["%()s", "%()s is not known; there are"],
    ["%({user-agent}x)s", "%({user-agent}x)s is not known; did you mean %({user-agent}i)s?"],
    ["%({user agent}i)s", '"user agent" is not the name of a header'],
    ["%({}o)s", '"" is not the name of a header'],
    ["%({A B}e)s", '"A B" is not the name of a variable'],
    ["%(h)", "%(h) is not an atom; did you mean %(h)s?"],
    ["%(h)d", "%(h)d is not an atom; did you mean %(h)s?"],
    ["%h %l", "%h is not an atom; did you mean %(h)s?"],
    ["%(s)s 100%", "write %% for the sign itself"],
    ["%(h", "write %% for the sign itself"],
    ["%(h)s\n", "holds a control character"],
    ["combned", '"combned" holds no atom; did you mean combined?'],
    ["", '"" holds no atom; give combined, json, or atoms such as %(h)s and %(s)s'],
    [7, "7 is not a format; give a string"],
  ])("that is wrong is refused, with the nearest that would do: %s", (format, message) => {
    expect(complaint(format)).toContain(message);
  });
});

test("the request's id is asked for by json and by its header", () => {
  const shown = ["json", "combined", "%({X-Request-ID}i)s", "%(s)s %({x-request-id}o)s", "%(s)s"].map(showsRequestId);
  expect(shown).toEqual([true, false, true, true, false]);
});
