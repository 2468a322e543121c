/** Workers whose event loop is blocked: the log names the place in the application, whatever blocks it. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import { build, type BuildOptions } from "esbuild";
import { describe, expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { listeningPorts } from "../support/listening-ports.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { LogRecord, Tsgate } from "../support/tsgate.ts";

const APP = new URL("../fixtures/hanging-app.mjs", import.meta.url).pathname;
const SOURCE = readFileSync(APP, "utf8").split("\n");
const [MAJOR = 0] = process.versions.node.split(".").map(Number);

/** What Node says itself when somebody attaches to its inspector, and does not let anybody switch off. */
const ATTACHED = "Debugger attached.";

describe.skipIf(process.platform !== "linux")("a worker that hangs is reported with the line", () => {
  test.each([
    ["/loop", "spin", /^in JavaScript, at Object\.spin \[as \/loop\] \(.*hanging-app\.mjs:\d+:\d+\)$/],
    ["/regexp", "match", /^in RegExp\.test, called at .*match/],
    ["/atomics", "lock", /^in Atomics\.wait, called at .*lock/],
    ["/microtasks", "chain", /^in .*chain/],
    ["/ticks", "again", /^in .*again/],
  ])("when it is blocked by %s", async (path, name, found) => {
    const server = await start();
    const hung = await hang(server, path);
    const { file, line } = place(path);
    expect(hung).toMatchObject({ file, function: name, level: 50, slot: 0, generation: 1, id: 1 });
    // A chain of ticks or microtasks may be caught where its function begins, the line above.
    expect([line, ...(["/ticks", "/microtasks"].includes(path) ? [line - 1] : [])]).toContain(hung.line);
    expect(hung.found).toMatch(found);
    expect(String(hung.stack).split("\n")[0]).toMatch(
      new RegExp(`^    at .*${name}.*hanging-app\\.mjs:${hung.line as number}:\\d+\\)$`),
    );
    expect(hung.silentMs).toBeGreaterThanOrEqual(1000);
    const gone = await server.waitForRecord("worker gone");
    expect(gone).toMatchObject({ pid: hung.pid, cause: "hung", signal: "SIGKILL" });
    expect(await listeningPorts(Number(hung.pid))).toEqual([]);
    expect((await server.waitForRecord("worker ready", { nth: 2 })).slot).toBe(0);
    expect(server.log.otherLines.filter((line) => line !== ATTACHED)).toEqual([]);
  });

  test("and with the requests in flight, without their queries", async () => {
    const server = await start();
    for (const path of ["/wait?token=secret", "/wait?other=secret"])
      (await connectRaw(await server.target())).get(path);
    await hasArrived(server, 2);
    const pipelining = await connectRaw(await server.target());
    pipelining.get("/wait?a");
    pipelining.get("/loop?b");
    const { requests, inFlight } = await server.waitForRecord("worker hung");
    expect(inFlight).toBe(4);
    expect(requests).toHaveLength(4);
    expect((requests as { path: string }[]).map(({ path }) => path).toSorted()).toEqual([
      "/loop",
      "/wait",
      "/wait",
      "/wait",
    ]);
    for (const request of requests as object[])
      expect(request).toMatchObject({ method: "GET", ageMs: expect.any(Number) as number });
    expect(server.stderr).not.toContain("secret");
  });

  test("and over HTTP/2 with those that are still in flight", async () => {
    const { dir } = await tempProject({
      "app.mjs": `import http2 from "node:http2";
        http2.createServer((request, response) => {
          if (request.url === "/loop") for (;;);
          if (request.url !== "/wait") response.end();
        }).listen(3000);`,
    });
    const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "--timeout", "1s", "app.mjs"], { cwd: dir });
    await server.waitForReady(1);
    const { port } = (await server.target()) as { port: number };
    const session = http2.connect(`http://127.0.0.1:${port}`).on("error", () => {});
    const request = (path: string) =>
      session
        .request({ ":path": path })
        .on("error", () => {})
        .resume();
    for (let count = 0; count < 20; count++) await once(request("/"), "close");
    request("/wait");
    request("/loop");
    const { requests, inFlight } = await server.waitForRecord("worker hung");
    expect(inFlight).toBe(2);
    expect((requests as { path: string }[]).map(({ path }) => path)).toEqual(["/wait", "/loop"]);
    session.destroy();
  });

  test.each([
    ["with its map in it, as an ES module", { format: "esm", sourcemap: "inline", outfile: "dist/app.mjs" }, []],
    ["with its map beside it, as CommonJS", { format: "cjs", sourcemap: true, outfile: "dist/app.cjs" }, []],
    [
      "minified, under --enable-source-maps",
      { format: "esm", sourcemap: true, minify: true, outfile: "dist/app.mjs" },
      ["--enable-source-maps"],
    ],
  ] satisfies [string, BuildOptions, string[]][])(
    "of the source, where it is bundled TypeScript %s",
    async (_what, options, nodeArgs) => {
      const spin =
        "\n/** Goes away. */\ninterface Turns {\n  n: number;\n}\n\nexport function spin(turns: Turns): void {\n  for (;;) turns.n++;\n}\n";
      const app =
        'import { spin } from "./spin.ts";\n\n/** Goes away. */\ntype Url = string;\n\n' +
        "export default ({ url }: { url: Url }, _response: unknown): void => {\n  console.log(url);\n  spin({ n: 0 });\n};\n";
      const project = await tempProject({ "src/app.ts": app, "src/spin.ts": spin });
      const outfile = project.path(options.outfile);
      await build({ ...options, entryPoints: [project.path("src/app.ts")], outfile, bundle: true, platform: "node" });
      const server = await start(
        nodeArgs.flatMap((arg) => ["--node-arg", arg]),
        outfile,
      );
      const hung = await hang(server, "/");
      expect(hung).toMatchObject({ file: project.path("src/spin.ts"), line: 8 });
      const places = String(hung.stack)
        .split("\n")
        .map((line) => /([^ (]+):\d+\)?$/.exec(line)?.[1]);
      expect(places).toEqual([`${project.path("src/spin.ts")}:8`, `${project.path("src/app.ts")}:8`]);
    },
  );
});

describe.skipIf(process.platform !== "linux")(
  "a worker that hangs where Node cannot look is reported with what the system knows",
  () => {
    test("when it waits for a child process, which is named", async () => {
      const server = await start();
      const hung = await hang(server, "/child");
      await endChildren(server);
      expect(hung.found).toMatch(/^in native code or a system call: it sleeps.*, child process \d+ \(.*sleep 60\)$/);
      expect(hung.process).toMatchObject({ state: "S", cpuMsSinceBeat: expect.any(Number) as number });
      expect(hung).not.toHaveProperty("stack");
    });

    test("when it is in JSON.parse, unless that ends just then", async () => {
      const server = await start(["--timeout", "500ms"]);
      const hung = await hang(server, "/parse");
      if ("line" in hung) expect([place("/parse").line, place("/parse").line + 1]).toContain(hung.line);
      else {
        // On a machine that has much else to do it may also have had no time.
        expect(hung.found).toMatch(
          /^(in native code or a system call: |it had no time to answer: .*; )it uses a processor or waits for one, \d+ ms of CPU/,
        );
        expect(hung.process).toMatchObject({ state: "R", children: [] });
      }
    });

    test("when its process is stopped", async () => {
      const server = await start();
      const [pid = 0] = server.workerPids();
      process.kill(pid, "SIGSTOP");
      const hung = await server.waitForRecord("worker hung");
      expect(hung.found).toMatch(/^in native code or a system call: it is stopped \(SIGSTOP\)/);
      expect(hung.process).toMatchObject({ state: "T" });
      await server.waitForRecord({ msg: "worker gone", pid });
    });
  },
);

describe.skipIf(process.platform !== "linux")(
  "a worker that hangs where SIGUSR1 is taken is reported with the line",
  () => {
    test.each([
      ["the application listens for it", "/listen", "1"],
      ["the application has listened for it, and the signal would end the process", "/listened", "0"],
    ])("when %s", async (_what, path, listeners) => {
      const server = await start();
      expect(await ask(await server.target(), path)).toBe(listeners);
      const hung = await hang(server, "/loop");
      expect(hung).toMatchObject({ ...place("/loop"), inFlight: 1 });
      // No port was opened, and nobody attached to one.
      expect(server.log.otherLines).toEqual([]);
      expect(await server.waitForRecord("worker gone")).toMatchObject({ cause: "hung", signal: "SIGKILL" });
    });

    test("when the application took it before anything else, in a module of --import", async () => {
      const project = await tempProject({ "first.mjs": 'process.on("SIGUSR1", () => {});\n' });
      const server = await start(["--import", project.path("first.mjs")]);
      expect(await hang(server, "/regexp")).toMatchObject(place("/regexp"));
    });

    // Node 20 has no such flag.
    test.skipIf(!process.allowedNodeEnvironmentFlags.has("--disable-sigusr1"))(
      "when Node was told to leave it alone",
      async () => {
        const server = await start(["--node-arg", "--disable-sigusr1"]);
        expect(await hang(server, "/regexp")).toMatchObject(place("/regexp"));
      },
    );

    test("when it is in native code all the same, with what the system knows", async () => {
      const server = await start();
      expect(await ask(await server.target(), "/listen")).toBe("1");
      const hung = await hang(server, "/child");
      await endChildren(server);
      expect(hung.found).toMatch(/^in native code or a system call: it sleeps.*child process/);
    });
  },
);

describe.skipIf(process.platform !== "linux")("under the permission model a worker that hangs is reported", () => {
  const flags = [MAJOR < 23 ? "--experimental-permission" : "--permission", "--allow-fs-read=*"];
  // From some version on the model takes the network away too.
  if (process.allowedNodeEnvironmentFlags.has("--allow-net")) flags.push("--allow-net");
  const nodeArgs = (...more: string[]): string[] => [...flags, ...more].flatMap((flag) => ["--node-arg", flag]);

  test.each([
    ["without --allow-worker", []],
    ["with --allow-worker", ["--allow-worker"]],
  ])("with what the system knows, and why that is all: %s", async (_what, more) => {
    const server = await start(nodeArgs(...more));
    const hung = await hang(server, "/loop");
    expect(hung.found).toMatch(
      /^its stack cannot be asked for: the permission model keeps Node's inspector closed; it uses a processor or waits for one, \d+ ms/,
    );
    expect(await server.waitForRecord("worker gone")).toMatchObject({ cause: "hung", signal: "SIGKILL" });
  });

  test.skipIf(!process.allowedNodeEnvironmentFlags.has("--allow-inspector"))(
    "with the line, where it allows the inspector",
    async () => {
      const server = await start(nodeArgs("--allow-inspector"));
      expect(await hang(server, "/loop")).toMatchObject(place("/loop"));
    },
  );
});

describe.skipIf(process.platform !== "linux")("several that hang at once", () => {
  test("are all reported, of one server and of another", async () => {
    const servers = await Promise.all([start(["--workers", "2"], APP, 2), start(["--workers", "2"], APP, 2)]);
    const paths = ["/loop", "/regexp"] as const;
    const blockAll = async (server: Tsgate, path: string): Promise<void> => {
      await hangOne(server, path);
      // One that is blocked accepts nothing: from here on the other does.
      await server.waitForOutput(/blocking \d+\n/);
      await hangOne(server, path);
      await server.waitForOutput(/blocking \d+\nblocking \d+\n/);
    };
    await Promise.all(servers.map((server, index) => blockAll(server, paths[index] ?? "/")));
    for (const [index, server] of servers.entries()) {
      await server.waitForRecord("worker hung", { nth: 2 });
      const reports = server.log.all("worker hung");
      expect(reports).toMatchObject([place(paths[index] ?? "/"), place(paths[index] ?? "/")]);
      expect(new Set(reports.map(({ pid }) => pid)).size).toBe(2);
    }
  });
});

describe.skipIf(process.platform !== "linux")("a worker that does not hang", () => {
  test("has no port but the server's, and the application sees no arguments but its own", async () => {
    const server = await start(["--node-arg", "--no-warnings"]);
    const target = await server.target();
    const { pid, ...seen } = JSON.parse(await ask(target)) as { pid: number };
    // What tsgate gives every worker for its limits on requests, and nothing that has to do with looking into it.
    const args = ["--max-http-header-size=65536", "--no-warnings"];
    expect(seen).toEqual({ own: args, childs: args });
    expect(await listeningPorts(pid)).toEqual(["port" in target ? target.port : 0]);
  });

  test("closes an inspector that a stray SIGUSR1 has opened, and can be asked after that", async () => {
    const server = await start();
    const target = await server.target();
    const [pid = 0] = server.workerPids();
    process.kill(pid, "SIGUSR1");
    expect(await server.waitForRecord("inspector closed")).toMatchObject({
      level: 40,
      role: "worker",
      pid,
      openedBy: "SIGUSR1",
    });
    // Node delivers the signal to itself in several ways, and on a busy machine the last may be late.
    await expect.poll(() => listeningPorts(pid)).toEqual(["port" in target ? target.port : 0]);
    expect((await requestOnce(target, { path: "/" })).outcome).toBe("ok");
    expect(await hang(server, "/loop")).toMatchObject({ ...place("/loop"), pid });
  });

  test("leaves one open that the application has opened, and is asked through it", async () => {
    const server = await start();
    const url = new URL(await ask(await server.target(), "/inspect"));
    const [pid = 0] = server.workerPids();
    expect(await listeningPorts(pid)).toContain(Number(url.port));
    const hung = await hang(server, "/loop");
    expect(hung).toMatchObject(place("/loop"));
    expect(server.log.all("inspector closed")).toEqual([]);
  });

  test("leaves one open that --node-arg has asked for, and is asked through it", async () => {
    const server = await start(["--node-arg", "--inspect=0"]);
    const [pid = 0] = server.workerPids();
    expect(await listeningPorts(pid)).toHaveLength(2);
    expect(await hang(server, "/loop")).toMatchObject(place("/loop"));
    expect(server.log.all("inspector closed")).toEqual([]);
  });
});

test.skipIf(process.platform !== "linux")(
  "a worker that drains and is blocked is reported at its deadline, also without --timeout",
  async () => {
    const server = await start(["--timeout", "0", "--graceful-timeout", "1s"]);
    await hangOne(server, "/loop");
    await server.waitForOutput(/blocking/);
    server.signal("SIGTERM");
    const killed = await server.waitForRecord("worker killed");
    expect(killed).toMatchObject({ ...place("/loop"), cause: "drain timeout", inFlight: 1 });
    expect((await server.exited).code).toBe(0);
  },
);

test("a worker that drains and waits for a request tells which", async () => {
  const server = await start(["--graceful-timeout", "500ms"]);
  (await connectRaw(await server.target())).get("/wait?token=secret");
  await hasArrived(server, 1);
  server.signal("SIGTERM");
  const late = await server.waitForRecord("drain deadline passed");
  expect(late).toMatchObject({ connections: 1, inFlight: 1, requests: [{ method: "GET", path: "/wait" }] });
  expect((await server.exited).code).toBe(0);
  expect(server.log.all("worker killed")).toEqual([]);
});

/** One worker, silent for a second at most, unless `args` say otherwise. */
async function start(args: readonly string[] = [], app = APP, workers = 1): Promise<Tsgate> {
  const own = ["--workers", "1", "--timeout", "1s", "--linger", "100ms", "--bind", "127.0.0.1:0"];
  const server = startTsgate([...own, ...args, app]);
  await server.waitForReady(workers);
  return server;
}

/** Asks for what blocks a worker. Returns the record of it. */
async function hang(server: Tsgate, path: string): Promise<LogRecord> {
  await hangOne(server, path);
  return server.waitForRecord("worker hung");
}

/** What a worker has started and left behind is not the server's to end. */
async function endChildren(server: Tsgate): Promise<void> {
  await server.waitForRecord("worker ready", { nth: 2 });
  const own = new Set([server.pid, ...server.workerPids()]);
  for (const pid of await server.processes()) if (!own.has(pid)) process.kill(pid, "SIGKILL");
}

async function hangOne(server: Tsgate, path: string): Promise<void> {
  (await connectRaw(await server.target())).get(path);
}

/** Resolves when requests that were sent before have been begun: one that came later has been answered. */
async function hasArrived(server: Tsgate, later: number): Promise<void> {
  for (let request = 0; request < later; request++) await requestOnce(await server.target(), { path: "/" });
}

/** The place that is marked with `path` in the application. */
function place(path: string): { file: string; line: number } {
  return { file: APP, line: SOURCE.findIndex((line) => line.endsWith(`; // ${path}`)) + 1 };
}
