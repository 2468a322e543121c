/** The Django project of the tests with a few notes in its database, for whoever serves it, maybe as another user. */

import { execFile } from "node:child_process";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Debian's own, which has its packages. */
export const PYTHON = "/usr/bin/python3";
export const DJANGO = fileURLToPath(new URL("../../fixtures/django", import.meta.url));

/** Its database is in `folder`, which is the caller's to remove. */
export async function makeSite() {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-site-"));
  await chmod(folder, 0o777);
  const env = { DJANGO_DB: path.join(folder, "db.sqlite3"), PYTHONDONTWRITEBYTECODE: "1" };
  /** @param {readonly string[]} args */
  const manage = async (...args) =>
    await run(PYTHON, ["manage.py", ...args], { cwd: DJANGO, env: { ...process.env, ...env } });
  await manage("migrate", "--run-syncdb", "--verbosity", "0");
  await manage(
    "shell",
    "-c",
    "from notes.models import Note\nfor n in range(10): Note.objects.create(text='note %d' % n)",
  );
  await chmod(env.DJANGO_DB, 0o666);
  return { folder, env };
}
