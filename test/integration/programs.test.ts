/**
 * Programs that bring their own server (kind `server`): whatever they ask for, their connections come from tsgate's
 * sockets, the server tells them what they expect of it, and what they do to it cuts no request.
 */

import { once } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { ask } from "../support/ask.ts";
import { freePort } from "../support/free-port.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import type { Target } from "../support/traffic.ts";
import { runTsgate, startTsgate } from "../support/tsgate.ts";
import type { LogRecord, Tsgate } from "../support/tsgate.ts";

const HTTP = 'import http from "node:http";\n';
/** Answers with what the server tells of itself. */
const SERVER = `${HTTP}
const server = http.createServer((request, response) => {
  response.end(JSON.stringify({ address: server.address(), listening: server.listening, heard, pid: process.pid }));
});
const heard = [];
server.on("listening", () => heard.push("listening"));
const called = () => heard.push("called");
`;

async function start(code: string, args: readonly string[] = [], file = "app.mjs"): Promise<Tsgate> {
  const project = await tempProject({ [file]: code });
  const binds = args.includes("--bind") ? [] : ["--bind", "127.0.0.1:0"];
  const workers = args.includes("--workers") ? [] : ["--workers", "1"];
  return startTsgate([...binds, ...workers, ...args, file], { cwd: project.dir });
}

interface Told {
  readonly address: unknown;
  readonly listening: boolean;
  readonly heard: readonly string[];
  readonly pid: number;
}

/** Sends TERM and resolves with the record of it, once the server has ended well. */
async function terminated(server: Tsgate): Promise<LogRecord> {
  server.signal("SIGTERM");
  const record = await server.waitForRecord("server stopping");
  expect(await server.exited).toEqual({ code: 0, signal: null });
  return record;
}

async function told(target: Target): Promise<Told> {
  return JSON.parse(await ask(target)) as Told;
}

async function isListening(port: number): Promise<boolean> {
  const socket = net.connect({ port, host: "127.0.0.1" });
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

describe("a program's listen() is put on tsgate's sockets, TCP and unix alike:", () => {
  type Signature = [call: string, found: string, hasCallback?: boolean];
  const signatures: Signature[] = [
    ["listen(PORT)", "PORT"],
    ["listen(PORT, called)", "PORT", true],
    ["listen(PORT, '0.0.0.0')", "PORT, 0.0.0.0"],
    ["listen(PORT, 511, called)", "PORT", true],
    ["listen(PORT, '127.0.0.1', 511, called)", "PORT, 127.0.0.1", true],
    ["listen('PORT')", "PORT"],
    ["listen({ port: PORT, host: 'localhost', exclusive: true }, called)", "PORT, localhost", true],
    ["listen({ port: 'PORT', backlog: 10 })", "PORT"],
    ["listen()", "0"],
    ["listen(called)", "0", true],
    ["listen(undefined, called)", "0", true],
    ["listen(0)", "0"],
    ["listen('program.sock', called)", "program.sock", true],
    ["listen({ path: 'program.sock' })", "program.sock"],
    ["listen({ fd: 0 }, called)", "a handle", true],
  ];

  test.each<Signature>(signatures)("%s", async (call, found, hasCallback = false) => {
    const port = await freePort();
    const code = `${SERVER}if (server.${call.replaceAll("PORT", String(port))} !== server) throw new Error("no chain");\n`;
    const server = await start(code, ["--bind", "127.0.0.1:0", "--bind", "unix:tsgate.sock", "--workers", "2"]);
    await server.waitForReady(2);
    const [tcp, unix] = await Promise.all([server.target(0), server.target(1)]);
    for (const target of [tcp, unix]) {
      const { address, heard, listening } = await told(target);
      expect(listening).toBe(true);
      // The callback is added after the program's own listener.
      expect(heard).toEqual(hasCallback ? ["listening", "called"] : ["listening"]);
      const isPath = found === "program.sock";
      expect(address).toEqual(
        isPath ? found : { address: "127.0.0.1", family: "IPv4", port: "port" in tcp ? tcp.port : 0 },
      );
    }
    expect(server.log.all("application found")).toMatchObject([
      { interface: "server", found: `a program that calls listen(${found.replaceAll("PORT", String(port))})` },
    ]);
    expect(await isListening(port)).toBe(false);
    expect(server.log.all("also listening")).toEqual([]);
    expect((await server.stop()).code).toBe(0);
  });

  test("several binds at once", async () => {
    const binds = ["--bind", "127.0.0.1:0", "--bind", "[::1]:0", "--bind", "unix:tsgate.sock"];
    const server = await start(`${SERVER}server.listen(3000);\n`, binds);
    const answers = await Promise.all([0, 1, 2].map(async (index) => told(await server.target(index))));
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
  });

  test("on a unix socket alone, the server tells the port that the program asked for", async () => {
    const server = await start(`${SERVER}server.listen(3000);\n`, ["--bind", "unix:tsgate.sock"]);
    expect((await told(await server.target())).address).toEqual({ address: "::", family: "IPv6", port: 3000 });
  });
});

describe("a program is known as such", () => {
  const hello = 'http.createServer((request, response) => response.end("hello"))';
  type Case = [name: string, code: string, found: string, args?: readonly string[], app?: string];
  const cases: Case[] = [
    ["when it exports a server", `${HTTP}export default ${hello};`, "default export, an HTTP server"],
    [
      "when it exports one by name",
      `${HTTP}export const site = ${hello};`,
      'export "site", an HTTP server',
      [],
      "app.mjs:site",
    ],
    [
      "when its factory makes one",
      `${HTTP}export default () => ${hello};`,
      "default export, an HTTP server",
      ["--factory"],
    ],
    [
      "when it exports a handler and listens all the same",
      `${HTTP}const app = (request, response) => response.end("hello");\nhttp.createServer(app).listen(3000);\nexport default app;`,
      "a program that calls listen(3000)",
    ],
    [
      "when it waits for its server at its top level",
      `${HTTP}import { once } from "node:events";\nconst server = ${hello}.listen(3000);\nawait once(server, "listening");`,
      "a program that calls listen(3000)",
    ],
    [
      "when it waits at its top level for as long as it serves",
      `${HTTP}import { once } from "node:events";\n${hello}.listen(3000);\nawait once(process, "SIGTERM");\nconsole.log("told");`,
      "a program that calls listen(3000)",
    ],
    [
      "when it listens a while after it has loaded",
      `${HTTP}setTimeout(() => ${hello}.listen(3000), 300);`,
      "a program that calls listen(3000)",
    ],
    [
      "when it has looked for a free port before",
      `${HTTP}import net from "node:net";\nconst free = await new Promise((resolve) => { const probe = net.createServer().listen(0, () => { const { port } = probe.address(); probe.close(() => resolve(port)); }); });\nif (free > 0) ${hello}.listen(3000);`,
      "a program that calls listen(3000)",
    ],
    [
      "when it has looked for a free port before, in CommonJS",
      `const http = require("node:http");\nconst probe = require("node:net").createServer().listen(0, () => probe.close(() => ${hello}.listen(3000)));`,
      "a program that calls listen(3000)",
      [],
      "app.cjs",
    ],
    [
      "when it listens late and exports other things, in CommonJS",
      `const http = require("node:http");\nconst main = () => setTimeout(() => ${hello}.listen(3000), 100);\nmain();\nmodule.exports = { main };`,
      "a program that calls listen(3000)",
      [],
      "app.cjs",
    ],
    [
      "when it listens only as the main module, in CommonJS",
      `const http = require("node:http");\nif (require.main === module) ${hello}.listen(3000);`,
      "a program that calls listen(3000)",
      [],
      "app.cjs",
    ],
    [
      "when it has tried out another port before",
      `${HTTP}import { once } from "node:events";\nconst probe = http.createServer().listen(2999);\nawait once(probe, "listening");\nprobe.close();\nawait once(probe, "close");\n${hello}.listen(3000);`,
      "a program that calls listen(3000)",
    ],
    [
      "when it is said to be one, whatever it exports",
      `${HTTP}export default (request, response) => response.end("exported");\nsetTimeout(() => ${hello}.listen(3000), 50);`,
      "a program that calls listen(3000)",
      ["--interface", "server"],
    ],
  ];

  test.each<Case>(cases)("%s", async (_, code, found, args = [], app = "app.mjs") => {
    const project = await tempProject({ [app.split(":")[0] ?? ""]: `${code}\n` });
    const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", ...args, app], { cwd: project.dir });
    expect(await ask(await server.target())).toBe("hello");
    expect(server.log.all("application found")).toMatchObject([
      {
        interface: "server",
        found,
        transport: "node:http",
        transportReason: "the application brings a server of its own",
      },
    ]);
    expect((await server.stop()).code).toBe(0);
  });

  test("by --check-config, which listens on nothing", async () => {
    const port = await freePort();
    const holder = net.createServer().listen(port, "127.0.0.1");
    onTestFinished(() => void holder.close());
    await once(holder, "listening");
    const code = `${HTTP}http.createServer().listen(${port}, "127.0.0.1");\nhttp.createServer().listen({ port: ${port}, host: "127.0.0.1" });\n`;
    const project = await tempProject({ "app.mjs": code });
    const { code: exitCode, stdout } = await runTsgate(["--check-config", "app.mjs"], { cwd: project.dir });
    expect(stdout).toContain(`app.mjs is of kind server (a program that calls listen(${port}, 127.0.0.1))`);
    expect(exitCode).toBe(0);
  });
});

describe("of a program's several servers", () => {
  const two = (first: number, second: number): string => `${HTTP}
    const serve = (text) => http.createServer((request, response) => response.end(text));
    serve("first").listen(${first}, "127.0.0.1");
    serve("second").listen(${second}, "127.0.0.1");
  `;

  test("the first is taken, and the second is shared by the workers and named once", async () => {
    const [first, second] = [await freePort(), await freePort()];
    const server = await start(two(first, second), ["--workers", "2"]);
    await server.waitForReady(2);
    expect(await ask(await server.target())).toBe("first");
    const named = await server.waitForRecord("also listening");
    expect(named).toMatchObject({ address: `127.0.0.1:${second}`, generation: 1 });
    expect(await ask({ host: "127.0.0.1", port: second })).toBe("second");
    expect(server.log.all("also listening")).toHaveLength(1);
    server.signal("SIGHUP");
    await server.waitForRecord("reload done");
    expect(await ask({ host: "127.0.0.1", port: second })).toBe("second");
    expect((await server.stop()).code).toBe(0);
    expect(await isListening(second)).toBe(false);
  });

  test("--listen-match says which is taken", async () => {
    const [first, second] = [await freePort(), await freePort()];
    const server = await start(two(first, second), ["--listen-match", String(second)]);
    expect(await ask(await server.target())).toBe("second");
    expect(await server.waitForRecord("also listening")).toMatchObject({ address: `127.0.0.1:${first}` });
    expect(await ask({ host: "127.0.0.1", port: first })).toBe("first");
  });

  test("one with the same handler and port on another address is the same to tsgate", async () => {
    const port = await freePort();
    const code = `${HTTP}
      const handler = (request, response) => response.end("four");
      http.createServer(handler).listen(${port}, "127.0.0.1");
      http.createServer(handler).listen(${port}, "::1");
    `;
    const server = await start(code);
    expect(await ask(await server.target())).toBe("four");
    expect(server.log.all("also listening")).toEqual([]);
  });

  test("a second that wants its address for itself is shared all the same", async () => {
    const [first, second] = [await freePort(), await freePort()];
    const code = `${HTTP}
      http.createServer().listen(${first});
      http.createServer((request, response) => response.end("mine")).listen({ port: ${second}, exclusive: true });
    `;
    const server = await start(code, ["--workers", "2"]);
    await server.waitForReady(2);
    expect(await ask({ host: "127.0.0.1", port: second })).toBe("mine");
    expect((await server.stop()).code).toBe(0);
  });

  test("what the second has in flight is answered at a stop", async () => {
    const [first, second] = [await freePort(), await freePort()];
    const code = `${two(first, second)}
      http.createServer((request, response) => {
        console.log("begun");
        setTimeout(() => response.end("slow"), 500);
      }).listen(0, "127.0.0.1");
    `;
    const server = await start(code);
    await server.waitForRecord("also listening", { nth: 2 });
    const named = server.log.all("also listening").map(({ address }) => String(address));
    const slow = Number(named.find((address) => !address.endsWith(`:${second}`))?.split(":")[1]);
    const answer = ask({ host: "127.0.0.1", port: slow });
    await server.waitForOutput(/begun/);
    expect((await server.stop()).code).toBe(0);
    expect(await answer).toBe("slow");
  });
});

describe("a program cannot cut a drain short", () => {
  const code = `${HTTP}
    let release;
    const server = http.createServer(async (request, response) => {
      if (request.url === "/slow") await new Promise((resolve) => (release = resolve), console.log("begun"));
      response.end("answered");
    });
    server.listen(3000);
    const leave = (why) => {
      console.log(why);
      server.close(() => console.log("closed after " + why));
      server.closeIdleConnections();
      server.closeAllConnections();
    };
  `;

  test("by closing its server when it is told of the shutdown", async () => {
    const server = await start(`${code}
      process.on("message", (message) => {
        if (message !== "shutdown") return;
        leave("message");
        console.log("listens " + server.listening);
        setTimeout(() => release(), 300);
      });
    `);
    const target = await server.target();
    const idle = await connectRaw(target);
    idle.get("/");
    await idle.received(/answered$/);
    const slow = ask(target, "/slow");
    await server.waitForOutput(/begun/);
    server.signal("SIGTERM");
    await server.waitForOutput(/listens false/);
    // Though the program has closed its server, an idle connection is served once more.
    idle.get("/");
    await idle.received(/answered(?:.|\s)*answered$/);
    expect(await slow).toBe("answered");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.stdout).toMatch(/closed after message/);
  });

  test("by its SIGTERM listener, which runs when all is answered", async () => {
    const server = await start(`${code}
      process.on("SIGTERM", () => leave("SIGTERM"));
      export const beforeDrain = () => void setTimeout(() => (console.log("released"), release()), 300);
      server.on("close", () => setImmediate(() => process.exit(0)));
    `);
    const slow = ask(await server.target(), "/slow");
    await server.waitForOutput(/begun/);
    server.signal("SIGTERM");
    expect(await slow).toBe("answered");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.stdout).toMatch(/released\nSIGTERM\nclosed after SIGTERM\n$/);
  });

  test("and leaves as soon as it has nothing more to do, though nothing of it ends the process", async () => {
    const server = await start(`${code}
      const timer = setInterval(() => {}, 1000);
      process.on("SIGTERM", () => server.close(() => (clearInterval(timer), console.log("cleared"))));
    `);
    await server.waitForReady(1);
    const { time } = await terminated(server);
    const gone = await server.waitForRecord("worker gone");
    expect(server.stdout).toBe("cleared\n");
    expect(gone.time - time).toBeLessThan(15_000);
  });

  test("and one that closes its server by itself answers what is in flight and is replaced", async () => {
    const server = await start(`${code}
      server.on("request", (request) => {
        if (request.url !== "/close") return;
        leave("request");
        setTimeout(() => release(), 200);
      });
    `);
    const target = await server.target();
    const slow = ask(target, "/slow");
    await server.waitForOutput(/begun/);
    expect(await ask(target, "/close")).toBe("answered");
    expect(await slow).toBe("answered");
    const gone = await server.waitForRecord("worker gone");
    expect(gone).toMatchObject({ cause: "closed by the application", code: 1 });
    expect(server.log.all("the application closed its server")).toMatchObject([{ pid: gone.pid }]);
    expect(await ask(target)).toBe("answered");
    expect((await server.stop()).code).toBe(0);
  });
});

describe("what a program does to its server", () => {
  test("new request listeners are counted as the old ones were", async () => {
    const server = await start(
      `${HTTP}
      const server = http.createServer();
      server.listen(3000, () => setTimeout(() => {
        server.removeAllListeners("request");
        server.on("request", (request, response) => setTimeout(() => response.end("swapped"), 300));
        console.log("swapped");
      }, 50));
    `,
      ["--linger", "100ms"],
    );
    await server.waitForReady(1);
    await server.waitForOutput(/swapped/);
    const client = await connectRaw(await server.target());
    client.get("/");
    server.signal("SIGTERM");
    await client.ended();
    expect(client.text).toMatch(/\r\nConnection: close\r\n.*swapped$/is);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("maxConnections holds on each socket", async () => {
    const server = await start(`${HTTP}
      const server = http.createServer((request, response) => response.end("hello")).listen(3000);
      server.maxConnections = 1;
      server.on("drop", () => console.log("dropped"));
    `);
    const first = await connectRaw(await server.target());
    first.get("/");
    await first.received(/hello$/);
    const second = await connectRaw(await server.target());
    await second.ended();
    expect(second.text).toBe("");
    await server.waitForOutput(/dropped/);
    expect((await server.stop()).code).toBe(0);
  });
});

describe("what a module exports and listens on", () => {
  const LATE = `const http = require("node:http");
    const app = (request, response) => response.end("exported");
    setTimeout(() => http.createServer(app).listen(PORT, () => console.log("told that it listens")), 300);
    module.exports = app;
  `;

  test("an exported application that listens later is served, its port is not opened, and the log says so", async () => {
    const port = await freePort();
    const server = await start(LATE.replace("PORT", String(port)), [], "app.cjs");
    expect(await ask(await server.target())).toBe("exported");
    await server.waitForOutput(/told that it listens/);
    expect(await server.waitForRecord("listen() ignored: the exported application is served")).toMatchObject({
      asked: String(port),
      hint: "to have the worker wait for it, add --interface server",
    });
    expect(await isListening(port)).toBe(false);
    expect((await server.stop()).code).toBe(0);
  });

  test("an application that a listening server does not belong to is named", async () => {
    const server = await start(`${HTTP}
      export default (request, response) => response.end("application");
      http.createServer((request, response) => response.end("metrics")).listen(9090);
    `);
    expect(await ask(await server.target())).toBe("metrics");
    expect(server.log.all("export ignored: the module listens by itself")).toMatchObject([
      { served: "listen(9090)", hint: "to serve the export, add --interface node" },
    ]);
  });

  test("the life of a program that awaits more than its own listen() is not lost", async () => {
    const server = await start(`${HTTP}import { once } from "node:events";
      http.createServer((request, response) => response.end("hello")).listen(3000);
      await once(http.createServer().listen(0, "127.0.0.1"), "listening");
      export const startup = () => console.log("startup");
      export const shutdown = () => console.log("shutdown");
    `);
    expect(await ask(await server.target())).toBe("hello");
    expect((await server.stop()).code).toBe(0);
    expect(server.stdout).toBe("startup\nshutdown\n");
  });

  test("a program that awaits for ever while it serves is served all the same", async () => {
    const server = await start(`${HTTP}
      setInterval(() => {}, 1000);
      http.createServer((request, response) => response.end("hello")).listen(3000);
      await new Promise(() => {});
    `);
    expect(await ask(await server.target())).toBe("hello");
    expect(server.log.all("application is late")).toMatchObject([
      { found: "listens, but never finishes loading: its exports are not used" },
    ]);
    expect((await server.stop()).code).toBe(0);
  });
});

describe("the keep-alive of a program's server", () => {
  const code = (more = ""): string =>
    `${HTTP}const server = http.createServer((request, response) => response.end("hello"));\n${more}server.listen(3000);\n`;
  test.each([
    ["is that of a server behind a proxy", code(), [], 75],
    ["is the program's own when it has set one", code("server.keepAliveTimeout = 20_000;\n"), [], 20],
    ["is the setting's when that was given", code("server.keepAliveTimeout = 20_000;\n"), ["--keep-alive", "30s"], 30],
  ])("%s", async (_, text, args, seconds) => {
    const server = await start(text, args);
    const client = await connectRaw(await server.target());
    client.get("/");
    await client.received(/hello$/);
    expect(client.text).toMatch(new RegExp(`^Keep-Alive: timeout=${seconds}\r$`, "m"));
  });
});

describe("a server that encrypts by itself", () => {
  const tls = (name: string): string =>
    JSON.stringify(new URL(`../fixtures/tls/${name}.pem`, import.meta.url).pathname);
  const options = `{ key: readFileSync(${tls("key")}), cert: readFileSync(${tls("cert")}) }`;
  const ca = readFileSync(new URL("../fixtures/tls/cert.pem", import.meta.url));

  test("over HTTP/1.1: requests are answered over a reload, on kept connections too", async () => {
    const server = await start(
      `import https from "node:https";\nimport { readFileSync } from "node:fs";\n
       https.createServer(${options}, (request, response) => {
         if (request.url === "/slow") console.log("begun");
         setTimeout(() => response.end("pid " + process.pid), request.url === "/slow" ? 2500 : 0);
       }).listen(3443);\n`,
      ["--linger", "300ms"],
    );
    const { port } = (await server.target()) as { port: number };
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
    onTestFinished(() => agent.destroy());
    const get = async (path: string, options: https.RequestOptions = { agent }): Promise<string> => {
      const request = https.get({ host: "localhost", family: 4, port, path, ca, ...options });
      const [response] = (await once(request, "response")) as [AsyncIterable<Buffer>];
      let text = "";
      for await (const chunk of response) text += String(chunk);
      return text;
    };
    const first = await get("/");
    const slow = get("/slow", { agent: false });
    await server.waitForOutput(/begun/);
    server.signal("SIGHUP");
    await server.waitForRecord("worker draining");
    expect(await slow).toBe(first);
    await server.waitForRecord("reload done");
    expect(await get("/", { agent: false })).not.toBe(first);
    expect((await server.stop()).code).toBe(0);
  });

  test("over HTTP/2: a session is told to go away and its streams are finished", async () => {
    const server = await start(
      `import http2 from "node:http2";\nimport { readFileSync } from "node:fs";\n
       http2.createSecureServer(${options}, (request, response) => {
         console.log("begun");
         setTimeout(() => response.end("pid " + process.pid), 600);
       }).listen(3443);\n`,
    );
    const { port } = (await server.target()) as { port: number };
    const session = http2.connect(`https://localhost:${port}`, { ca, family: 4 } as http2.SecureClientSessionOptions);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/" });
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await server.waitForOutput(/begun/);
    const wentAway = once(session, "goaway");
    const ended = once(stream, "end");
    server.signal("SIGTERM");
    expect((await wentAway)[0]).toBe(0);
    await ended;
    expect(text).toMatch(/^pid \d+$/);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });
});
