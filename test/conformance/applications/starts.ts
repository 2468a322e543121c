/** Applications that call `startResponse` in all the ways there are. */

import type { HeaderList, Status } from "../../../src/gateway/index.ts";
import { type ApplicationMaker, fixed, TEXT } from "./makers.ts";

/** Calls it with each of these heads, and answers with those that were not refused with a TypeError. */
const offers = (...heads: readonly (readonly [status: unknown, headers: unknown])[]): ApplicationMaker => {
  return () => (_environ, startResponse) => {
    const error = new Error("a better head");
    const taken = heads.filter(([status, list]) => {
      try {
        startResponse(status as Status, list as HeaderList, { error });
        return true;
      } catch (refusal) {
        return !(refusal instanceof TypeError);
      }
    });
    startResponse(200, TEXT, { error });
    return [JSON.stringify(taken)];
  };
};

const BAD_VALUES = ["a\tb", "a\u007fb", "a\u0000b", "a\u001fb", "a\rb", "a\nb", "\u0100", 5, undefined];
const BAD_STATUSES = [
  "200",
  "2000 OK",
  "20 OK",
  "200  OK",
  "200 O\tK",
  "200 \u0100",
  "100 Continue",
  99,
  199,
  1000,
  200.5,
];
const OF_THE_CONNECTION =
  "Connection keep-alive Proxy-Authenticate Proxy-Authorization Proxy-Connection TE Trailer Trailers Transfer-Encoding Upgrade Status";

const headers = (...list: unknown[]) => fixed(200, list as unknown as HeaderList, () => ["x"]);

export const startApplications: Readonly<Record<string, ApplicationMaker>> = {
  "null-options": () => (_environ, startResponse) => {
    startResponse(200, TEXT, null as never);
    return ["x"];
  },
  "header-of-three": headers(["A", "b", "c"]),
  "bad-name": headers(["A:", "b"]),
  "bad-length": headers(["Content-Length", "+1"]),
  "two-lengths": headers(["Content-Length", "1"], ["content-length", "1"]),
  "bad-values": offers(...BAD_VALUES.map((value) => [200, [["X-A", value]]] as const)),
  "bad-statuses": offers(...BAD_STATUSES.map((status) => [status, TEXT] as const)),
  "headers-of-the-connection": offers(...OF_THE_CONNECTION.split(" ").map((name) => [200, [[name, "a"]]] as const)),
  "empty-reason": fixed("200 ", TEXT, () => ["x"]),
  "number-as-status": fixed(404, TEXT, () => ["x"]),
  recovers: () => (_environ, startResponse) => {
    try {
      startResponse("OK", TEXT);
    } catch (error) {
      startResponse(500, [["X-Caught", (error as Error).name]], { error });
    }
    return ["recovered"];
  },
  "starts-after-throw": () => (_environ, startResponse) => {
    try {
      startResponse("OK", TEXT);
    } catch {
      startResponse(200, TEXT);
    }
    return ["x"];
  },
  "changes-its-headers": () => (_environ, startResponse) => {
    const list: [string, string][] = [...TEXT, ["X-A", "before"]] as [string, string][];
    startResponse(200, list);
    (list[1] as [string, string])[1] = "after";
    list.push(["X-B", "too late"]);
    return ["x"];
  },
  "tells-what-start-returned": () => (_environ, startResponse) => {
    const returned: unknown = startResponse(200, TEXT);
    return [String(returned)];
  },
};
