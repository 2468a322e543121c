/**
 * A real Chromium for pages of a server under test. Whatever a page does that it should not is noted: requests to
 * elsewhere, errors on its console, and what its content security policy had to forbid.
 */

import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { findCommand } from "./peers.ts";

export const CHROMIUM = { command: "chromium", debianPackage: "chromium" };

/** A name that this browser takes for 127.0.0.1, as another machine's user would have one for the server. */
export const OTHER_NAME = "shop.example";

export async function launchBrowser(): Promise<Browser> {
  const executablePath = findCommand(CHROMIUM.command);
  if (executablePath === undefined) throw new Error("no Chromium");
  return chromium.launch({ executablePath, args: [`--host-resolver-rules=MAP ${OTHER_NAME} 127.0.0.1`] });
}

export interface OpenPage {
  readonly page: Page;
  /** What it did that it should not have. */
  readonly problems: readonly string[];
}

/** Opens a page in a profile of its own, closed when the test ends. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  const { origin } = new URL(url);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`error: ${String(error)}`));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${origin}/`) && !asked.startsWith("data:")) problems.push(`request: ${asked}`);
  });
  await context.exposeFunction("noteViolation", (what: string) => problems.push(`policy: ${what}`));
  await context.addInitScript(
    'document.addEventListener("securitypolicyviolation", (event) => noteViolation(event.violatedDirective));',
  );
  await page.goto(url);
  return { page, problems };
}

/** What a page's rules for everybody's access are broken by, each with the elements that break it. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>("axe.run(document)");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}

export interface AccessibleNode {
  readonly role: string;
  readonly name: string;
}

/** What the browser tells a screen reader, in the order of the page. */
export async function accessibleNodes(page: Page): Promise<AccessibleNode[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  return nodes
    .filter(({ ignored }) => !ignored)
    .map(({ role, name }) => ({ role: String(role?.value ?? ""), name: String(name?.value ?? "") }));
}
