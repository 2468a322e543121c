/** Applications that call `startResponse` in all the ways there are. */

import type { HeaderList } from "../../../src/gateway/index.ts";
import { type ApplicationMaker, fixed, TEXT } from "./makers.ts";

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
