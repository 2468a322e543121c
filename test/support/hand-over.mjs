/**
 * `node hand-over.mjs FD PATH COMMAND…` runs a command with a listening socket as its descriptor FD, as a supervisor
 * does. PATH is that of a unix socket, or empty for TCP; where it listens is said on the standard output.
 */

import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";

const [fd = "3", path = "", command = "", ...args] = process.argv.slice(2);
const server = net.createServer();
server.listen(path === "" ? { host: "127.0.0.1", port: 0 } : { path }, () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "string" ? address : address?.port}\n`);
  // @ts-expect-error -- there is no documented way to the descriptor of a server
  const descriptor = /** @type {number} */ (server._handle.fd);
  /** @type {import("node:child_process").StdioOptions} */
  const streams = ["inherit", "inherit", "inherit"];
  while (streams.length < Number(fd)) streams.push("ignore");
  const child = spawn(command, args, { stdio: [...streams, descriptor] });
  // Our copy goes, or we would take some of its connections; closing it unlinks whatever is at the path.
  if (path !== "") fs.renameSync(path, `${path}.aside`);
  server.close(() => path === "" || fs.renameSync(`${path}.aside`, path));
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP", "SIGQUIT"]))
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
});
