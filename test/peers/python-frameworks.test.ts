/** Django and Flask as they are, over the shipped binary: what their users do in a browser. */

import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Browser, DJANGO_PROJECT, lacksModule, makeSite, type Site } from "../support/django.ts";
import { describeUnless } from "../support/peers.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, startLightTraffic } from "../support/traffic.ts";
import { startTsgate, Tsgate } from "../support/tsgate.ts";
import { PYTHON, startWsgi } from "../support/wsgi.ts";

const withoutDjango = await lacksModule("django", "python3-django");
const withoutFlask = await lacksModule("flask", "python3-flask");

describeUnless(withoutDjango, "a Django project", () => {
  let site: Site;
  let server: Tsgate;
  let url: string;

  beforeAll(async () => {
    site = await makeSite();
    const common = ["--python", PYTHON, "--workers", "2", "--linger", "500ms", "--bind", "127.0.0.1:0"];
    const args = [...common, "--static", `/static=${site.staticDir}`];
    server = new Tsgate([...args, "mysite.wsgi:application"], { cwd: DJANGO_PROJECT, env: site.env });
    await server.waitForReady(2);
    url = await server.url();
  });
  afterAll(async () => {
    await server.cleanup();
    await site.remove();
  });

  test("names its interpreter when it starts", async () => {
    const { found } = await server.waitForRecord("application found");
    expect(found).toMatch(
      /^a django\.core\.handlers\.wsgi\.WSGIHandler, Python 3\.\d+\.\d+ \(.+\), no virtual environment$/,
    );
  });

  test("logs in to the admin, past CSRF, and adds what the database keeps", async () => {
    const browser = new Browser(url);
    expect(await browser.get("/admin/")).toMatchObject({ status: 302, location: "/admin/login/?next=/admin/" });
    expect(await browser.post("/admin/login/", { username: "root", password: "secret" })).toMatchObject({
      status: 403,
    });
    const wrong = await browser.submit("/admin/login/", { username: "root", password: "wrong" });
    expect([wrong.status, wrong.text.includes("Please enter the correct username")]).toEqual([200, true]);
    const login = await browser.submit("/admin/login/", { username: "root", password: "secret", next: "/admin/" });
    expect(login).toMatchObject({ status: 302, location: "/admin/" });
    expect((await browser.get("/admin/")).text).toContain("Site administration");
    const added = await browser.submit("/admin/notes/note/add/", { text: "grüße <b>" });
    expect(added).toMatchObject({ status: 302, location: "/admin/notes/note/" });
    expect((await browser.get("/notes")).text).toContain("<li>grüße &lt;b&gt;</li>");
    expect(await browser.submit("/add", { text: "by a form" })).toMatchObject({ status: 302, location: "/notes" });
  });

  test("has its static files served by tsgate", async () => {
    const reply = await fetch(`${url}/static/admin/css/base.css`);
    expect([reply.status, reply.headers.get("content-type")]).toEqual([200, expect.stringMatching(/^text\/css/)]);
    expect(await reply.text()).toContain("body {");
    expect((await fetch(`${url}/static/nothing.css`)).status).toBe(404);
  });

  test("keeps a session over both workers", async () => {
    const browser = new Browser(url);
    for (const count of [1, 2, 3, 4, 5]) expect((await browser.get("/visits")).text).toBe(`${count} visits\n`);
  });

  test("takes a file of 8 MB, and one of no bytes", async () => {
    for (const size of [8_000_000, 0]) {
      const bytes = randomBytes(size);
      const form = new FormData();
      form.set("file", new Blob([bytes]), "größe.bin");
      const reply = await fetch(`${url}/upload`, { method: "POST", body: form });
      expect(await reply.text()).toBe(`größe.bin ${size} ${createHash("sha256").update(bytes).digest("hex")}\n`);
    }
  });

  test("sends a large file, and closes it", async () => {
    const reply = await fetch(`${url}/download`);
    expect(reply.headers.get("content-disposition")).toBe('attachment; filename="digits.txt"');
    expect(await reply.text()).toBe("0123456789".repeat(123_456));
  });

  test("streams a reply piece by piece", async () => {
    const reply = await fetch(`${url}/stream?pause=1`);
    const pieces: string[] = [];
    for await (const piece of reply.body ?? []) pieces.push(Buffer.from(piece as Uint8Array).toString());
    expect(pieces.join("")).toBe("line 1\nline 2\nline 3\n");
    expect(pieces.length).toBeGreaterThan(1);
  });

  test("answers 500 with its own page where a view fails, and 404 where there is none", async () => {
    expect((await new Browser(url).get("/fail")).text).toContain("<h1>Server Error (500)</h1>");
    expect((await new Browser(url).get("/nowhere")).status).toBe(404);
  });

  test("is reloaded without losing a request", { timeout: 180_000 }, async () => {
    const traffic = await startLightTraffic(await server.target(), 500);
    server.signal("SIGHUP");
    await server.waitForRecord({ msg: "reload done", generation: 2 }, { timeoutMs: 120_000 });
    assertNothingLost(await traffic.stop());
  });
});

describeUnless(withoutDjango, "Django beside Express on one port", () => {
  test("has its prefix in SCRIPT_NAME, so that its own links lead back to it", async () => {
    const site = await makeSite();
    onTestFinished(() => site.remove());
    const project = await tempProject({
      "app.mjs": `import express from "express";
        export default express().get("/", (request, response) => response.send("express"));`,
    });
    await project.linkPackages("express");
    const python = ["--python", PYTHON, "--pythonpath", DJANGO_PROJECT];
    const args = [...python, "--mount", "/site=mysite.wsgi:application", "--workers", "1", "--bind", "127.0.0.1:0"];
    const server = startTsgate([...args, "app.mjs"], { cwd: project.dir, env: site.env });
    await server.waitForReady(1);
    const url = await server.url();
    expect(await (await fetch(url)).text()).toBe("express");
    expect(await (await fetch(`${url}/site/where`)).text()).toBe("/site /where /site/admin/\n");
    const browser = new Browser(url);
    const form = { username: "root", password: "secret", next: "/site/admin/" };
    expect(await browser.submit("/site/admin/login/", form)).toMatchObject({ status: 302, location: "/site/admin/" });
    expect((await browser.get("/site/admin/")).text).toContain("Site administration");
  });
});

describeUnless(withoutFlask, "a Flask application", () => {
  describe.each([
    ["as a callable", [], "flask_app:app"],
    ["made by a factory", ["--factory"], "flask_app:create_app"],
  ])("%s", (_, args, app) => {
    test("routes, reads forms, streams, and tells its errors", async () => {
      const server = await startWsgi(app, { args });
      const url = await server.url();
      expect(await (await fetch(url)).text()).toBe("flask\n");
      const reply = await fetch(`${url}/echo?q=%C3%BC`, {
        method: "POST",
        body: new URLSearchParams({ a: "b" }),
        headers: { "X-User": "me" },
      });
      expect(await reply.json()).toEqual({ form: { a: "b" }, args: { q: "ü" }, user: "me" });
      expect(await (await fetch(`${url}/stream`)).text()).toBe("0\n1\n2\n");
      expect(await (await fetch(`${url}/download`)).text()).toBe("0123456789".repeat(123_456));
      expect((await fetch(`${url}/fail`)).status).toBe(500);
      const { text } = await server.waitForRecord({ msg: "wsgi.errors", path: "/fail" }, { nth: 1 });
      expect(text).toMatch(/Exception on \/fail|RuntimeError/);
    });
  });
});
