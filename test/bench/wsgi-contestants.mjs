/** The servers of Python applications that are compared, each as its manual has it: two processes, one thread each. */

import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DJANGO, PYTHON } from "./lib/django-site.mjs";
import { freePort, start, TSGATE } from "./lib/servers.mjs";

const WORKERS = 2;
/** The folder of the hello application. */
export const HELLO = fileURLToPath(new URL("apps/wsgi", import.meta.url));

/** @typedef {import("./lib/servers.mjs").Running} Running */
/** @typedef {"hello" | "django"} App */
/** @typedef {{ cwd: string, module: string, env: Record<string, string> }} Served */

/** @param {App} app @param {Record<string, string>} siteEnv @returns {Served} */
const served = (app, siteEnv) =>
  app === "hello"
    ? { cwd: HELLO, module: "hello", env: { PYTHONDONTWRITEBYTECODE: "1" } }
    : { cwd: DJANGO, module: "mysite.wsgi", env: siteEnv };

/** Settings of tsgate that are measured: `TSGATE_TRANSPORT=engine npm run bench:wsgi`. */
const SETTINGS = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value = ""]) => (name.startsWith("TSGATE_") ? [[name, value]] : [])),
);

/**
 * How each is started, by its name in the table.
 * @type {Record<string, (served: Served, port: number) => Promise<Running>>}
 */
const START = {
  tsgate: async ({ cwd, module, env }, port) => {
    const args = [
      "--python",
      PYTHON,
      "--workers",
      String(WORKERS),
      "--bind",
      `127.0.0.1:${port}`,
      `${module}:application`,
    ];
    return await start(process.execPath, [TSGATE, "--log-level", "error", ...args], port, 1 + 2 * WORKERS, {
      cwd,
      env: { ...SETTINGS, ...env },
    });
  },
  "gunicorn sync": async (served, port) => await gunicorn(["-k", "sync"], served, port),
  "gunicorn gthread": async (served, port) => await gunicorn(["-k", "gthread", "--threads", "1"], served, port),
  uWSGI: async ({ cwd, module, env }, port) => {
    const args = ["--plugin", "python3", "--http-socket", `127.0.0.1:${port}`, "--master", "-p", String(WORKERS)];
    const quiet = ["--disable-logging", "--die-on-term", "--module", `${module}:application`, "--chdir", cwd];
    return await start("uwsgi", [...args, ...quiet], port, 1 + WORKERS, { cwd, env });
  },
  mod_wsgi: async (served, port) => await apache(served, port),
};

/** What Debian's packages are, in words. */
export async function versions() {
  const run = promisify(execFile);
  /** @type {readonly [string, string, readonly string[]][]} */
  const asked = [
    ["Python ", PYTHON, ["--version"]],
    ["Django ", PYTHON, ["-m", "django", "--version"]],
    ["gunicorn ", "/usr/bin/gunicorn", ["--version"]],
    ["uWSGI ", "uwsgi", ["--version"]],
    ["Apache ", "/usr/sbin/apache2", ["-v"]],
  ];
  return await Promise.all(
    asked.map(async ([name, command, args]) => {
      const text = (await run(command, args)).stdout;
      return `${name}${/\d+(\.\d+)+/.exec(text)?.[0] ?? "?"}`;
    }),
  );
}

export const OURS = "tsgate";
/** Their names. */
export const CONTESTANTS = Object.keys(START);

/** How each is told to reload. @type {Record<string, NodeJS.Signals>} */
export const RELOAD_BY = {
  tsgate: "SIGHUP",
  "gunicorn sync": "SIGHUP",
  "gunicorn gthread": "SIGHUP",
  uWSGI: "SIGHUP",
  mod_wsgi: "SIGUSR1",
};

/**
 * @param {string} name
 * @param {App} app
 * @param {Record<string, string>} siteEnv for Django
 */
export async function startContestant(name, app, siteEnv) {
  const begin = START[name];
  if (begin === undefined) throw new Error(`there is no contestant ${name}`);
  return await begin(served(app, siteEnv), await freePort());
}

/**
 * @param {readonly string[]} kind
 * @param {Served} served
 * @param {number} port
 */
async function gunicorn(kind, { cwd, module, env }, port) {
  const args = ["-w", String(WORKERS), "-b", `127.0.0.1:${port}`, "--keep-alive", "75", "--log-level", "error"];
  return await start("/usr/bin/gunicorn", [...args, ...kind, `${module}:application`], port, 1 + WORKERS, { cwd, env });
}

/**
 * Daemon mode, of which the manual says that it is the recommended one.
 * @param {Served} served
 * @param {number} port
 */
async function apache({ cwd, module, env }, port) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-apache-"));
  await chmod(folder, 0o755);
  const variables = Object.entries(env).map(
    ([key, value]) => `os.environ[${JSON.stringify(key)}] = ${JSON.stringify(value)}`,
  );
  await writeFile(
    path.join(folder, "app.wsgi"),
    [
      "import os, sys",
      `sys.path.insert(0, ${JSON.stringify(cwd)})`,
      ...variables,
      `from ${module} import application`,
      "",
    ].join("\n"),
  );
  await writeFile(path.join(folder, "httpd.conf"), apacheConfiguration(folder, port));
  const command = ["-DFOREGROUND", "-f", path.join(folder, "httpd.conf")];
  const running = await start("/usr/sbin/apache2", command, port, 1 + WORKERS);
  return {
    ...running,
    async stop() {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @param {string} folder @param {number} port */
const apacheConfiguration = (folder, port) => `
ServerName localhost
ServerRoot ${folder}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
LogLevel error
Listen 127.0.0.1:${port}
${["mpm_event", "authz_core", "wsgi"].map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 75
GracefulShutdownTimeout 10
WSGISocketPrefix ${folder}/wsgi
WSGIDaemonProcess bench processes=${WORKERS} threads=1
WSGIProcessGroup bench
WSGIApplicationGroup %{GLOBAL}
WSGIScriptAlias / ${folder}/app.wsgi
<Directory />
  Require all granted
</Directory>
`;
