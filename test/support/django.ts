/** A Django project for tests, with a database of its own, and a client that keeps cookies as a browser does. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeProject } from "./temp-project.ts";
import { PYTHON } from "./wsgi.ts";

/** The project: `mysite.wsgi:application`. */
export const DJANGO_PROJECT = fileURLToPath(new URL("../fixtures/django", import.meta.url));

export interface Site {
  /** For whatever serves the project. */
  readonly env: Readonly<Record<string, string>>;
  readonly staticDir: string;
  remove(): Promise<void>;
}

/** Makes the database, with the administrator `root`, password `secret`, and collects the static files. */
export async function makeSite(): Promise<Site> {
  const folder = await makeProject({});
  const staticDir = folder.path("static");
  const env = {
    DJANGO_DB: folder.path("db.sqlite3"),
    DJANGO_STATIC: staticDir,
    DJANGO_MEDIA: folder.path("media"),
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const manage = async (...args: readonly string[]): Promise<unknown> =>
    promisify(execFile)(PYTHON, ["manage.py", ...args], {
      cwd: DJANGO_PROJECT,
      env: { ...process.env, ...env, DJANGO_SUPERUSER_PASSWORD: "secret" },
    });
  await manage("migrate", "--run-syncdb", "--verbosity", "0");
  await manage("createsuperuser", "--noinput", "--username", "root", "--email", "root@example.org");
  await manage("collectstatic", "--noinput", "--verbosity", "0");
  return { env, staticDir, remove: async () => folder.remove() };
}

/** Whether `/usr/bin/python3` has the module; a sentence when not. */
export async function lacksModule(module: string, debianPackage: string): Promise<string | undefined> {
  try {
    await promisify(execFile)(PYTHON, ["-c", `import ${module}`]);
    return undefined;
  } catch {
    return `${module} not found by ${PYTHON}: apt-get install -y --no-install-recommends ${debianPackage}`;
  }
}

export interface Page {
  readonly status: number;
  readonly location: string | null;
  readonly text: string;
}

/** Requests with the cookies of the replies before; redirects are not followed. */
export class Browser {
  readonly #base: string;
  readonly #cookies = new Map<string, string>();

  constructor(base: string) {
    this.#base = base;
  }

  async get(path: string): Promise<Page> {
    return this.#ask(path, {});
  }

  /** Fills in the form of the page at `path`, with its hidden token, and sends it. */
  async submit(path: string, fields: Readonly<Record<string, string>>): Promise<Page> {
    const { text } = await this.get(path);
    const [, token = ""] = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(text) ?? [];
    return this.post(path, { csrfmiddlewaretoken: token, ...fields });
  }

  async post(path: string, fields: Readonly<Record<string, string>>): Promise<Page> {
    return this.#ask(path, { method: "POST", body: new URLSearchParams(fields) });
  }

  async #ask(path: string, init: RequestInit): Promise<Page> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(cookie === "" ? {} : { cookie }), referer: this.#base + path };
    const reply = await fetch(this.#base + path, { ...init, headers, redirect: "manual" });
    for (const line of reply.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    return { status: reply.status, location: reply.headers.get("location"), text: await reply.text() };
  }
}
