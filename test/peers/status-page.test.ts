/** The status page as a person meets it: in a real browser, served by the shipped binary. */

import { readFileSync } from "node:fs";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ADMIN, adminTarget, untilStatus } from "../support/admin.ts";
import { application } from "../support/applications.ts";
import {
  accessibilityViolations,
  accessibleNodes,
  CHROMIUM,
  launchBrowser,
  openPage,
  OTHER_NAME,
  type OpenPage,
} from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { describeWithPeers } from "../support/peers.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const HANGING_APP = new URL("../fixtures/hanging-app.mjs", import.meta.url).pathname;
const TOKEN = "a-token-for-the-tests";
const UPDATED_MS = 20_000;
const SUM_OF_REQUESTS = `[...document.querySelectorAll("tbody td:nth-child(6)")].reduce((sum, cell) => sum + Number(cell.textContent), 0)`;

let browser: Browser;

describeWithPeers("the status page in a browser", [CHROMIUM], () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  describe("is live", () => {
    test("numbers follow the traffic, without the page being loaded again", async () => {
      const { server } = await start();
      const { page, problems } = await open(server);
      await page.evaluate("globalThis.isThisOne = true");
      await seen(page, "0 in all");
      for (let asked = 0; asked < 40; asked++) await requestOnce(await server.target());
      await seen(page, "40 in all");
      await untilTrue(page, `${SUM_OF_REQUESTS} === 40`);
      await untilTrue(page, `document.querySelector("dl dd").textContent !== "0"`);
      expect(await page.title()).toBe("serving 2/2 · tsgate");
      expect(await page.evaluate("isThisOne")).toBe(true);
      expect(problems).toEqual([]);
    });

    test("a worker that is killed is in the time line and in its slot's row, and its successor too", async () => {
      const { server } = await start();
      const { page, problems } = await open(server);
      const [pid = 0] = server.workerPids();
      await page.getByRole("cell", { name: String(pid), exact: true }).waitFor();
      process.kill(pid, "SIGKILL");
      await seen(page, "Worker crashed");
      await seen(page, `killed from outside, SIGKILL, pid ${pid}`);
      await seen(page, "killed from outside (SIGKILL)");
      const { workers } = await untilStatus(server, (status) => status.server.ready === 2);
      for (const worker of workers) await page.getByRole("cell", { name: String(worker.pid), exact: true }).waitFor();
      expect(await page.getByRole("cell", { name: String(pid), exact: true }).count()).toBe(0);
      expect(await page.locator("p[role=status].hidden").textContent()).toContain("Worker crashed in slot");
      expect(problems).toEqual([]);
    });

    test("a reload is seen on its way, at its end, and with its reason when it fails", async () => {
      const { server, project } = await start({ args: ["--linger", "200ms"] });
      const { page, problems } = await open(server);
      const held = `import { existsSync } from "node:fs";
while (!existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 20));
${application("node", "two")}`;
      await project.write("app.mjs", held);
      server.signal("SIGHUP");
      await seen(page, "Reload to generation 2");
      await seen(page, "0 of 2 workers ready");
      expect(await page.getByRole("progressbar", { name: "Workers of generation 2" }).getAttribute("max")).toBe("2");
      await project.write("go", "");
      await seen(page, "Reload done");
      await page.locator("#reload").waitFor({ state: "detached" });
      await project.write("app.mjs", `throw new Error("no database <b>today</b>");`);
      server.signal("SIGHUP");
      await seen(page, "Reload to generation 3 failed");
      await page.locator("#reload-failed summary").click();
      expect(await page.locator("#reload-failed pre").innerText()).toMatch(
        /no database <b>today<\/b>\n +at .*app\.mjs:1/,
      );
      expect(problems).toEqual([]);
    });

    test("when the server does not answer it says so and since when, and is there again with the server", async () => {
      const admin = `127.0.0.1:${await freePort()}`;
      const { server, project } = await start({ admin });
      const { page } = await open(server);
      await updated(page);
      expect(await page.locator("#connection").isVisible()).toBe(false);
      await server.stop();
      await page.getByText(/^The server has not answered since \d\d:\d\d:\d\d UTC\./).waitFor();
      const [, since] = /since (\S+ UTC)/.exec(await page.locator("#connection").innerText()) ?? [];
      expect(since).toBe(await page.locator("#as-of").textContent());
      expect(await page.title()).toMatch(/^! no answer/);
      const next = startTsgate(argsOf(admin), { cwd: project.dir });
      await next.waitForReady(2);
      await page.locator("#connection").waitFor({ state: "hidden" });
      await seen(page, `master ${next.pid}`);
      await untilTrue(page, `document.title === "serving 2/2 · tsgate"`);
    });

    test("and so it does when the master stands still", async () => {
      const { server } = await start();
      const { page } = await open(server);
      onTestFinished(() => server.signal("SIGCONT"));
      server.signal("SIGSTOP");
      await page.getByText(/^The server has not answered since \d\d:\d\d:\d\d UTC\./).waitFor();
      server.signal("SIGCONT");
      await page.locator("#connection").waitFor({ state: "hidden" });
      await updated(page);
    });
  });

  test.runIf(process.platform === "linux")(
    "a worker that hung is shown with its stack, which the keyboard opens and which stays open",
    async () => {
      const { server } = await start({ source: readFileSync(HANGING_APP, "utf8"), args: ["--timeout", "1s"] });
      const { page, problems } = await open(server);
      (await connectRaw(await server.target())).get("/loop");
      await seen(page, "Worker hung");
      await seen(page, "in JavaScript, at Object.spin");
      const summary = page.locator("summary");
      expect(await summary.innerText()).toBe("Stack");
      const isReached = `document.activeElement.matches("summary")`;
      for (let pressed = 0; pressed < 10 && !(await page.evaluate(isReached)); pressed++)
        await page.keyboard.press("Tab");
      expect(await page.evaluate(isReached)).toBe(true);
      expect(await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).toBe("solid");
      await page.keyboard.press("Enter");
      const stack = page.locator("details pre");
      expect(await stack.isVisible()).toBe(true);
      expect(await stack.innerText()).toMatch(/at Object\.spin/);
      await page.evaluate(`getSelection().selectAllChildren(document.querySelector("details pre"))`);
      for (let update = 0; update < 2; update++) await updated(page);
      expect(await stack.isVisible()).toBe(true);
      expect(await page.evaluate(isReached)).toBe(true);
      expect(await page.evaluate("getSelection().toString()")).toMatch(/at Object\.spin/);
      expect(problems).toEqual([]);
    },
  );

  test("without JavaScript the table is there, and is read again", async () => {
    const { server } = await start();
    const { page, problems } = await open(server, { javaScriptEnabled: false });
    const cells = await page.getByRole("table", { name: "Workers by slot" }).getByRole("cell").allInnerTexts();
    for (const pid of server.workerPids()) expect(cells).toContain(String(pid));
    expect(cells.filter((cell) => cell.includes("ready"))).toHaveLength(2);
    await updated(page);
    expect(problems).toEqual([]);
  });

  describe("is for everybody", () => {
    const NAME = `<img src=x onerror=alert(1)>${"long".repeat(50)}`;
    const CRASHING = `${application("node", "one")}
if (process.title.includes("worker 1")) setTimeout(() => { throw new Error("${"unbroken".repeat(40)}") }, 1500);`;

    test("on a telephone and on a wall, in the light and in the dark", async () => {
      const { server } = await start({ args: ["--name", NAME], source: CRASHING });
      const { page, problems } = await open(server);
      await seen(page, "Uncaught exception");
      expect(await page.locator("h1").innerText()).toMatch(/^<img src=x onerror=alert\(1\)>long/);
      await page.locator("summary").first().click();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        for (const width of [320, 360, 768, 1000, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          expect(await page.evaluate("document.documentElement.scrollWidth"), `${width}`).toBeLessThanOrEqual(width);
          expect(await accessibilityViolations(page), `${colorScheme}, ${width} px`).toEqual([]);
        }
      }
      await updated(page);
      expect(problems).toEqual([]);
    });

    test.each([1280, 360])("a screen reader finds a table with names at %d px", async (width) => {
      const { server } = await start();
      const { page } = await open(server, { viewport: { width, height: 800 } });
      const nodes = await accessibleNodes(page);
      const named = (role: string): string[] => nodes.filter((node) => node.role === role).map(({ name }) => name);
      expect(named("table")).toEqual(["Workers by slot"]);
      expect(named("columnheader")).toEqual([
        "Slot",
        "State",
        "Pid",
        "Generation",
        "Age",
        "Requests",
        "Errors",
        "In flight",
        "Loop",
        "Memory",
        "Last exit in this slot",
      ]);
      expect(named("rowheader")).toEqual(["0", "1"]);
      expect(named("row")).toHaveLength(3);
      for (const pid of server.workerPids()) expect(named("cell")).toContain(String(pid));
      expect(named("cell")).toHaveLength(20);
      expect(named("region")).toContain("Workers");
      expect(named("heading")).toEqual([
        "tsgate",
        expect.stringMatching(/^The last \d+ seconds?$/),
        "The last minute",
        "Workers",
        "What has happened times in UTC",
      ]);
      expect(named("image").every((name) => /^(?:Requests a second|Latency)/.test(name))).toBe(true);
    });
  });

  test("a script that got into it would not run", async () => {
    const { server } = await start();
    const { page, problems } = await open(server);
    await page.evaluate(`{
      const script = document.createElement("script");
      script.textContent = "globalThis.hasRun = true";
      document.body.append(script);
    }`);
    expect(await page.evaluate("globalThis.hasRun")).toBeUndefined();
    expect(problems.join()).toContain("policy: script-src-elem");
  });

  test("with a token, for which the browser asks, it opens from elsewhere and stays live", async () => {
    const { server } = await start({ args: ["--admin-token-file", "admin.token"] });
    const url = (await urlOf(server)).replace("127.0.0.1", OTHER_NAME);
    const isLetIn = async (options: BrowserContextOptions): Promise<boolean> => {
      const opened = await openPage(browser, url, options).catch(() => undefined);
      return opened !== undefined && (await opened.page.getByRole("table").count()) > 0;
    };
    expect(await isLetIn({})).toBe(false);
    expect(await isLetIn({ httpCredentials: { username: "", password: `${TOKEN}x` } })).toBe(false);
    const { page, problems } = await openPage(browser, url, { httpCredentials: { username: "", password: TOKEN } });
    await page.getByRole("table", { name: "Workers by slot" }).waitFor();
    for (let update = 0; update < 2; update++) await updated(page);
    expect(problems.filter((problem) => !problem.includes("401"))).toEqual([]);
  });
});

interface StartOptions {
  readonly source?: string;
  readonly args?: readonly string[];
  readonly admin?: string;
}

/** Two workers that are ready. */
async function start({ source = application("node", "one"), args = [], admin }: StartOptions = {}): Promise<{
  server: Tsgate;
  project: TempProject;
}> {
  const project = await tempProject({ "app.mjs": source, "admin.token": TOKEN });
  const server = startTsgate([...argsOf(admin).slice(0, -1), ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(2);
  await untilStatus(server, (status) => status.server.state !== "starting");
  return { server, project };
}

function argsOf(admin?: string): string[] {
  const own = admin === undefined ? ADMIN : ["--admin-bind", admin];
  return ["--workers", "2", "--bind", "127.0.0.1:0", ...own, "app.mjs"];
}

async function urlOf(server: Tsgate): Promise<string> {
  const target = await adminTarget(server);
  return `http://127.0.0.1:${"port" in target ? target.port : 0}/`;
}

async function open(server: Tsgate, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const opened = await openPage(browser, await urlOf(server), options);
  opened.page.setDefaultTimeout(UPDATED_MS);
  return opened;
}

/** Resolves when this text can be seen. */
async function seen(page: Page, text: string): Promise<void> {
  await page.getByText(text).first().waitFor();
}

/** Resolves when an expression is true in the page. Playwright's own way to wait needs eval, which the page forbids. */
async function untilTrue(page: Page, expression: string): Promise<void> {
  await expect.poll(() => page.evaluate(expression), { timeout: UPDATED_MS, interval: 50 }).toBe(true);
}

/** Resolves when the page says something newer than now. */
async function updated(page: Page): Promise<void> {
  const before = await page.locator("#as-of").getAttribute("datetime");
  await expect
    .poll(() => page.locator("#as-of").getAttribute("datetime"), { timeout: UPDATED_MS, interval: 50 })
    .not.toBe(before);
}
