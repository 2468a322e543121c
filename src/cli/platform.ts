/** Where tsgate cannot run, said in one sentence. */

import { missingHandleCall } from "../node-handles.ts";

const OLDEST_NODE = [20, 19] as const;

/** Why this platform or this Node will not do, or undefined. */
export function unsupportedPlatform(
  platform: string = process.platform,
  node: string = process.versions.node,
): string | undefined {
  if (platform === "win32")
    return "Windows has no sockets that processes can share; run tsgate on Linux, or on macOS for development";
  const [major = 0, minor = 0] = node.split(".").map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    return `this is Node ${node}; tsgate needs Node ${OLDEST_NODE.join(".")} or later`;
  }
  const missing = missingHandleCall();
  return missing === undefined
    ? undefined
    : `this is Node ${node}, which lacks ${missing}; tsgate needs it to share its sockets with workers`;
}
