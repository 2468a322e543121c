/** What happens over time between a client and an application: who waits for whom, and who is told of an end. */

import { describe, expect, test } from "vitest";
import type { Application, Environ, GatewayInput, StartResponse } from "../../src/gateway/index.ts";
import { RawClient } from "./http-reader.ts";
import { type RunningServer, transports } from "./transports.ts";

const GET = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";
const BLOCK = Buffer.alloc(65_536, "x");

describe.each(transports)("over $name", (transport) => {
  /** Runs `use` with a client of a server; `/tick` is answered by the server beside the application. */
  async function serve(
    application: Application,
    use: (client: RawClient, server: RunningServer) => Promise<void>,
  ): Promise<void> {
    const server = await transport.start((environ, startResponse) => {
      if (environ.PATH_INFO !== "/tick") return application(environ, startResponse);
      startResponse(204, []);
      return [];
    });
    const client = new RawClient(server.port);
    try {
      await use(client, server);
    } finally {
      client.close();
      await server.stop();
    }
  }

  describe("a client that goes away", () => {
    test("while the body is sent: the signal aborts and the body is closed, once", async () => {
      const seen: string[] = [];
      const closed = withResolvers<void>();
      const application = (environ: Environ, startResponse: StartResponse) => {
        environ["gateway.signal"].addEventListener("abort", () => seen.push("aborted"));
        startResponse(200, []);
        const body = (async function* () {
          try {
            for (;;) yield BLOCK;
          } finally {
            seen.push("left");
            closed.resolve();
          }
        })();
        return Object.assign(body, { close: () => seen.push("closed") });
      };
      await serve(application, async (client, server) => {
        client.send(GET);
        await client.received("HTTP/1.1 200");
        client.close();
        await closed.promise;
        expect(seen.toSorted()).toEqual(["aborted", "closed", "left"]);
        expect(server.errors).toEqual([]);
      });
    });

    test("while a sync body waits for room: it is left and closed, once", async () => {
      const closed = withResolvers<string[]>();
      const seen: string[] = [];
      const application = (_: Environ, startResponse: StartResponse) => {
        startResponse(200, []);
        const body = (function* () {
          try {
            for (;;) yield BLOCK;
          } finally {
            seen.push("left");
          }
        })();
        return Object.assign(body, {
          close: () => {
            seen.push("closed");
            closed.resolve(seen);
          },
        });
      };
      await serve(application, async (client, server) => {
        client.send(GET);
        await client.received("HTTP/1.1 200");
        client.socket.pause();
        client.close();
        expect(await closed.promise).toEqual(["left", "closed"]);
        expect(server.errors).toEqual([]);
      });
    });

    test("while the application thinks: the signal aborts, and its body is closed unread", async () => {
      const called = withResolvers<AbortSignal>();
      const closed = withResolvers<string>();
      const application = async (environ: Environ) => {
        const signal = environ["gateway.signal"];
        called.resolve(signal);
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        return Object.assign(["unread"], { close: () => closed.resolve("closed") });
      };
      await serve(application, async (client, server) => {
        client.send(GET);
        expect((await called.promise).aborted).toBe(false);
        client.close();
        expect(await closed.promise).toBe("closed");
        expect(server.errors).toEqual([]);
      });
    });

    test("with a request in line behind another: both are told", async () => {
      const aborted: string[] = [];
      const calls = withResolvers<void>();
      const done = withResolvers<void>();
      const application = (environ: Environ) => {
        const path = environ.PATH_INFO;
        environ["gateway.signal"].addEventListener("abort", () => {
          aborted.push(path);
          if (aborted.length === 2) done.resolve();
        });
        if (path === "/b") calls.resolve();
        return new Promise<never>(() => {});
      };
      await serve(application, async (client) => {
        client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
        await calls.promise;
        client.close();
        await done.promise;
        expect(aborted.toSorted()).toEqual(["/a", "/b"]);
      });
    });

    test("is listened for once a connection, however many requests stand in line", async () => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error) => warnings.push(warning);
      process.on("warning", onWarning);
      const application = async (_: Environ, startResponse: StartResponse) => {
        await Promise.resolve();
        startResponse(200, []);
        return ["x"];
      };
      try {
        await serve(application, async (client) => {
          client.send(GET.repeat(50));
          for (let i = 0; i < 50; i++) expect((await client.response())?.body).toBe("x");
        });
      } finally {
        process.off("warning", onWarning);
      }
      expect(warnings).toEqual([]);
    });

    test.each(["is reset", "says that it is through"])(
      "before its upload is whole (%s): no end is read",
      async (how) => {
        const result = withResolvers<unknown>();
        const begun = withResolvers<void>();
        const application = async (environ: Environ) => {
          const input = environ["gateway.input"];
          const first = await input.read();
          result.resolve(`ended with ${first.length} bytes`);
          return [];
        };
        const watched: Application = async (environ, startResponse) => {
          begun.resolve();
          try {
            return await application(environ);
          } catch (error) {
            result.resolve(error);
            startResponse(400, []);
            return [];
          }
        };
        await serve(watched, async (client) => {
          client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
          await begun.promise;
          if (how === "is reset") client.socket.resetAndDestroy();
          else client.socket.end();
          expect(await result.promise).toMatchObject({ name: "AbortError" });
        });
      },
    );
  });

  describe("a slow reader", () => {
    test.each(["sync", "async"])("is waited for: a %s body is not pulled ahead", async (kind) => {
      let pulls = 0;
      const count = 1600;
      const application = (_: Environ, startResponse: StartResponse) => {
        startResponse(200, []);
        if (kind === "sync") {
          return (function* () {
            while (pulls++ < count) yield BLOCK;
          })();
        }
        return (async function* () {
          while (pulls++ < count) yield BLOCK;
        })();
      };
      await serve(application, async (client, server) => {
        client.socket.pause();
        client.send(GET);
        const before = await settled(server, () => pulls);
        expect(before).toBeGreaterThan(0);
        // What the kernel takes on both sides of a loopback connection is well under this.
        expect(before * BLOCK.length).toBeLessThan(32 << 20);
        client.socket.resume();
        const response = await client.response();
        expect([response?.isComplete, response?.body.length]).toEqual([true, count * BLOCK.length]);
      });
    });
  });

  describe("an upload", () => {
    test("waits in the network until it is read", async () => {
      const size = 64 << 20;
      const gate = withResolvers<void>();
      const application = async (environ: Environ, startResponse: StartResponse) => {
        await gate.promise;
        let count = 0;
        for await (const chunk of environ["gateway.input"]) count += chunk.length;
        startResponse(200, []);
        return [String(count)];
      };
      await serve(application, async (client, server) => {
        client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
        client.send(Buffer.alloc(size));
        await settled(server, () => client.socket.bytesWritten - client.socket.writableLength);
        expect(client.socket.writableLength).toBeGreaterThan(0);
        gate.resolve();
        expect((await client.response())?.body).toBe(String(size));
      });
    });

    test("that is sent back as it comes stays on its connection", async () => {
      const application = (environ: Environ, startResponse: StartResponse) => {
        startResponse(200, []);
        return environ["gateway.input"];
      };
      await serve(application, async (client) => {
        const size = 1 << 20;
        for (let i = 0; i < 2; i++) {
          client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
          client.send(Buffer.alloc(size, "y"));
          const response = await client.response();
          expect([response?.body.length, response?.isComplete]).toEqual([size, true]);
        }
      });
    });

    test.each([
      ["with a length", "Content-Length: 50000000", ""],
      ["in chunks", "Transfer-Encoding: chunked", "3000000\r\n"],
    ])("%s that nobody reads and is too large to discard ends the connection", async (_, header, prefix) => {
      const application = (_environ: Environ, startResponse: StartResponse) => {
        startResponse(413, []);
        return ["too large"];
      };
      await serve(application, async (client) => {
        client.send(`POST / HTTP/1.1\r\nHost: h\r\n${header}\r\n\r\n${prefix}`);
        const response = await client.response();
        expect([response?.status, response?.body]).toEqual([413, "too large"]);
        client.send(Buffer.alloc(4 << 20));
        expect(await client.ended()).toBe("");
      });
    });

    test.each([
      ["small enough to discard", 60_000, (input: GatewayInput) => input.read(10)],
      ["too large to discard", 50_000_000, (input: GatewayInput) => input.read(10)],
      ["read to its end", 60_000, (input: GatewayInput) => input.read()],
    ])("that is still read when the answer is complete (%s): the read ends", async (_, size, read) => {
      const outcomes: Promise<unknown>[] = [];
      const application = (environ: Environ, startResponse: StartResponse) => {
        const input = environ["gateway.input"];
        if (environ.REQUEST_METHOD === "POST") outcomes.push(read(input).catch((error: unknown) => error));
        startResponse(200, []);
        return ["early"];
      };
      await serve(application, async (client, server) => {
        client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
        expect((await client.response())?.body).toBe("early");
        expect(await outcomes[0]).toMatchObject({
          name: "AbortError",
          message: expect.stringMatching(/response is complete/),
        });
        expect(server.errors).toEqual([]);
        if (size > 60_000) return;
        client.send(Buffer.alloc(size));
        client.send(GET);
        expect((await client.response())?.body).toBe("early");
      });
    });

    test("that is read only after the answer is complete is not there any more", async () => {
      const answered = withResolvers<void>();
      const outcome = withResolvers<unknown>();
      const application = (environ: Environ, startResponse: StartResponse) => {
        const input = environ["gateway.input"];
        void answered.promise.then(() => input.read().then(outcome.resolve, outcome.resolve));
        startResponse(200, []);
        return ["early"];
      };
      await serve(application, async (client) => {
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
        expect((await client.response())?.body).toBe("early");
        client.send(Buffer.alloc(60_000));
        answered.resolve();
        expect(await outcome.promise).toMatchObject({ name: "AbortError" });
      });
    });

    test("whose pending read nobody looks after does no harm when the answer is complete", async () => {
      const rejections: unknown[] = [];
      const onRejection = (reason: unknown) => rejections.push(reason);
      process.on("unhandledRejection", onRejection);
      const application = (environ: Environ, startResponse: StartResponse) => {
        void environ["gateway.input"].read(1);
        startResponse(200, []);
        return ["early"];
      };
      try {
        await serve(application, async (client) => {
          client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
          expect((await client.response())?.body).toBe("early");
          client.send("0123456789" + GET);
          expect((await client.response())?.body).toBe("early");
        });
      } finally {
        process.off("unhandledRejection", onRejection);
      }
      expect(rejections).toEqual([]);
    });

    test("that arrives only after its answer is discarded, and the connection goes on", async () => {
      const application = (_environ: Environ, startResponse: StartResponse) => {
        startResponse(200, []);
        return ["early"];
      };
      await serve(application, async (client) => {
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
        expect((await client.response())?.body).toBe("early");
        client.send(Buffer.alloc(60_000));
        client.send(GET);
        expect((await client.response())?.body).toBe("early");
      });
    });
  });

  describe("a broken response without length to HTTP/1.0", () => {
    test("is a reset: the end of the connection would look like the end of the body", async () => {
      const application = async function* (_: Environ, startResponse: StartResponse) {
        startResponse(200, []);
        yield "a";
        throw new Error("midway");
      };
      await serve(application, async (client) => {
        const error = new Promise<NodeJS.ErrnoException>((resolve) => client.socket.once("error", resolve));
        client.send("GET / HTTP/1.0\r\n\r\n");
        expect((await error).code).toBe("ECONNRESET");
      });
    });
  });

  test("the first chunk arrives before the second is made", async () => {
    const gate = withResolvers<void>();
    const application = async function* (_: Environ, startResponse: StartResponse) {
      startResponse(200, []);
      yield "first";
      await gate.promise;
      yield "second";
    };
    await serve(application, async (client) => {
      client.send(GET);
      await client.received("first");
      gate.resolve();
      expect((await client.response())?.chunks).toEqual(["first", "second"]);
    });
  });
});

/**
 * The value of `measure` when it has stopped changing: the same over 50 round trips to the server, which each take the
 * event loop of both sides around several times.
 */
async function settled(server: RunningServer, measure: () => number): Promise<number> {
  const clock = new RawClient(server.port);
  try {
    let last = Number.NaN;
    for (let same = 0; same < 50; same++) {
      clock.send("GET /tick HTTP/1.1\r\nHost: h\r\n\r\n");
      await clock.response();
      const now = measure();
      if (now !== last) same = 0;
      last = now;
    }
    return last;
  } finally {
    clock.close();
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((given) => {
    resolve = given;
  });
  return { promise, resolve };
}
