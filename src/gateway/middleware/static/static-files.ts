/** Files of a folder in front of an application. Decides who answers; what the reply is stands in `file-reply.ts`. */

import { fileURLToPath } from "node:url";
import { isThenable } from "../../body.ts";
import { defineApplication } from "../../define-application.ts";
import type { Body } from "../../types.ts";
import { createNegotiation } from "../accepted-encodings.ts";
import type { Middleware } from "../middleware.ts";
import type { Reply } from "../on-reply.ts";
import { checkPrefix, fileNameOf, withSlash } from "./file-path.ts";
import type { FileRequest } from "./file-request.ts";
import { replyWith } from "./file-reply.ts";
import { CODINGS, Folder, type Found } from "./folder.ts";
import type { ServedFile } from "./served-file.ts";

export interface StaticFilesOptions {
  /** The folder; relative to the directory of the process. */
  readonly directory: string | URL;
  /** Under which path its files are: `/assets`. Default: the root. */
  readonly prefix?: string;
  /** What of a folder is its page. Default: `index.html`; false: nothing. */
  readonly index?: string | false;
  /** `Cache-Control`, for all files or by the name below the folder. Default: `no-cache`: kept, and asked for each time. */
  readonly cacheControl?: string | ((name: string) => string | undefined);
  /** Whether the application is asked for what is no file, and by other methods. Default: true; else 404 and 405. */
  readonly fallthrough?: boolean;
}

/**
 * Answers GET and HEAD of the files in a folder; the application answers the rest. Throws a `TypeError` for a prefix that
 * is none. The folder need not exist yet.
 */
export function staticFiles(options: StaticFilesOptions): Middleware {
  const files = new StaticFiles(options);
  return (application) =>
    defineApplication((environ, startResponse) => {
      const send = (reply: Reply | undefined): Body | PromiseLike<Body> => {
        if (reply === undefined) return application(environ, startResponse);
        startResponse(reply.status, reply.headers);
        return reply.body;
      };
      const reply = files.replyTo(environ);
      return isThenable(reply) ? reply.then(send) : send(reply);
    });
}

/** The files of a folder under a prefix. */
export class StaticFiles {
  private readonly prefix: string;
  private readonly index: string | undefined;
  private readonly isLast: boolean;
  private readonly folder: Folder;
  private readonly accepted = createNegotiation(CODINGS);

  constructor(
    { directory, prefix = "", index = "index.html", cacheControl = "no-cache", fallthrough = true }: StaticFilesOptions,
    now: () => number = Date.now,
  ) {
    this.prefix = checkPrefix(prefix);
    this.index = index === false ? undefined : index;
    this.isLast = !fallthrough;
    this.folder = new Folder(typeof directory === "string" ? directory : fileURLToPath(directory), {
      cacheControl: typeof cacheControl === "string" ? () => cacheControl : cacheControl,
      now,
    });
  }

  /** Whether a request with this path, decoded, may be one for a file. */
  covers(path: string): boolean {
    return path.startsWith(this.prefix);
  }

  /** The reply to a request; undefined where it is the application's. Rejects where the file system fails. */
  replyTo(request: FileRequest): Reply | undefined | Promise<Reply | undefined> {
    const name = fileNameOf(request, this.prefix);
    const isRead = request.REQUEST_METHOD === "GET" || request.REQUEST_METHOD === "HEAD";
    if (name === undefined || !(isRead || this.isLast)) return this.nothing();
    const asFolder = name === "" ? request.PATH_INFO.endsWith("/") : name.endsWith("/");
    if (asFolder && this.index === undefined) return this.nothing();
    const asked: Asked = { request, isRead, asFolder, name: asFolder ? `${name}${this.index}` : name };
    const reply = this.look(asked);
    return isThenable(reply) ? this.settle(asked, reply) : reply;
  }

  private look(asked: Asked): Reply | undefined | PromiseLike<Reply | undefined> {
    const found = this.folder.find(asked.name);
    return isThenable(found) ? found.then((later) => this.answer(asked, later)) : this.answer(asked, found);
  }

  private answer(asked: Asked, found: Found | undefined): Reply | undefined | PromiseLike<Reply | undefined> {
    if (found === undefined) return this.nothing();
    if (found.kind === "folder") return this.redirect(asked);
    if (!asked.isRead) return plain(405, "Method Not Allowed\n", ["Allow", "GET, HEAD"]);
    const file = this.choose(asked.request, found.codings);
    const reply = replyWith(asked.request, file);
    if (!isThenable(reply)) return reply;
    return reply.then((opened) => {
      if (opened === undefined) throw new Changed();
      return opened;
    });
  }

  /** Waits for the reply; asks again when the file was replaced meanwhile. */
  private async settle(asked: Asked, first: PromiseLike<Reply | undefined>): Promise<Reply | undefined> {
    let reply = first;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await reply;
      } catch (error) {
        if (!(error instanceof Changed)) return this.failed(error);
        if (attempt === MOST_ATTEMPTS) return plain(503, "Service Unavailable\n", ["Retry-After", "1"]);
      }
      this.folder.forget(asked.name);
      reply = Promise.resolve(this.look(asked));
    }
  }

  private failed(error: unknown): Reply | undefined {
    switch ((error as NodeJS.ErrnoException).code) {
      case "EACCES":
      case "EPERM":
        return plain(403, "Forbidden\n");
      case "EMFILE":
      case "ENFILE":
        return plain(503, "Service Unavailable\n", ["Retry-After", "1"]);
      case "ENOENT":
      case "ENOTDIR":
      case "ELOOP":
        // It was there a moment ago.
        return this.nothing();
      case undefined:
      default:
        throw error;
    }
  }

  /** To the path with a slash, below which the links of the folder's page lead where they should; if it has a page. */
  private redirect({ name, request, asFolder, isRead }: Asked): Reply | undefined | PromiseLike<Reply | undefined> {
    if (asFolder || !isRead || this.index === undefined) return this.nothing();
    const page = this.folder.find(name === "" ? this.index : `${name}/${this.index}`);
    const answer = (found: Found | undefined): Reply | undefined =>
      found?.kind === "file" ? plain(301, "Moved Permanently\n", ["Location", withSlash(request)]) : this.nothing();
    return isThenable(page) ? page.then(answer) : answer(page);
  }

  private choose(request: FileRequest, codings: readonly ServedFile[]): ServedFile {
    const [uncoded, ...coded] = codings as readonly [ServedFile, ...ServedFile[]];
    if (coded.length === 0) return uncoded;
    for (const coding of this.accepted(request.HTTP_ACCEPT_ENCODING)) {
      const file = coded.find((other) => other.coding === coding);
      if (file !== undefined) return file;
    }
    return uncoded;
  }

  private nothing(): Reply | undefined {
    return this.isLast ? plain(404, "Not Found\n") : undefined;
  }
}

interface Asked {
  readonly request: FileRequest;
  readonly isRead: boolean;
  /** The path ends with a slash, and `name` is that of the folder's page. */
  readonly asFolder: boolean;
  readonly name: string;
}

/** The file has become another between two looks. */
class Changed extends Error {}

function plain(status: number, message: string, ...headers: readonly (readonly [string, string])[]): Reply {
  return { status, headers: [["Content-Type", "text/plain; charset=utf-8"], ...headers], body: [message] };
}

const MOST_ATTEMPTS = 5;
