import { expect, it } from "vitest";
import { enterLiveScreen } from "../../../src/cli/ctl/live-screen.ts";

it("a live table is written over the last in one piece, clears nothing before, and gives everything back", () => {
  const written: string[] = [];
  const screen = enterLiveScreen((text) => written.push(text));
  screen.show(["one", "two"]);
  screen.show(["three"]);
  screen.leave();
  expect(written).toEqual([
    "\u001B[?1049h\u001B[?25l",
    "\u001B[Hone\u001B[K\r\ntwo\u001B[K\u001B[J",
    "\u001B[Hthree\u001B[K\u001B[J",
    "\u001B[?25h\u001B[?1049l",
  ]);
});
