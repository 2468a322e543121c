/**
 * Reads one HTTP/1.x reply from chunks as they arrive: a length, chunks, or until the connection closes. Strict enough
 * for a test: what it cannot read is an error, never a guess.
 */

/**
 * @typedef {object} Reply
 * @property {number} status
 * @property {string} version
 * @property {Map<string, string>} headers names in lower case; repeated ones joined with a comma
 * @property {Buffer} body
 * @property {boolean} mustClose the server will not answer another request on this connection
 */

/** @typedef {"head" | "length" | "chunk-size" | "chunk" | "chunk-end" | "trailers" | "until-close" | "done"} State */

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const EMPTY = Buffer.alloc(0);

export class ReplyParser {
  /** @type {State} */
  #state = "head";
  /** @type {Buffer} */
  #pending = EMPTY;
  #remaining = 0;
  /** @type {Buffer[]} */
  #body = [];
  #hasNoBody;
  /** @type {Omit<Reply, "body"> | undefined} */
  #head;

  /** @param {string} method the request's, because a reply to HEAD has no body */
  constructor(method) {
    this.#hasNoBody = method === "HEAD";
  }

  /** The head of the reply, once it is complete. */
  get head() {
    return this.#head;
  }

  /**
   * Takes the next bytes. Throws when they are no reply.
   * @param {Buffer} chunk
   * @returns {Reply | undefined} the whole reply when these bytes complete it
   */
  push(chunk) {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#state !== "done" && this.#step());
    if (this.#state !== "done") return undefined;
    if (this.#pending.length > 0) throw new Error(`${this.#pending.length} bytes after the end of the reply`);
    return this.#reply();
  }

  /**
   * The server has closed: the whole reply if that is how it ends, or undefined if it was cut short.
   * @returns {Reply | undefined}
   */
  finish() {
    return this.#state === "until-close" ? this.#reply() : undefined;
  }

  #reply() {
    return { .../** @type {Omit<Reply, "body">} */ (this.#head), body: Buffer.concat(this.#body) };
  }

  /** Consumes what the state can; false when it needs more bytes. */
  #step() {
    switch (this.#state) {
      case "head":
        return this.#readHead();
      case "chunk-size":
        return this.#readChunkSize();
      case "length":
        return this.#readBody("done");
      case "chunk":
        return this.#readBody("chunk-end");
      case "chunk-end": {
        const line = this.#line();
        if (line === undefined) return false;
        if (line !== "") throw new Error(`a chunk longer than its size: ${JSON.stringify(line)}`);
        this.#state = "chunk-size";
        return true;
      }
      case "trailers": {
        const line = this.#line();
        if (line === undefined) return false;
        if (line === "") this.#state = "done";
        return true;
      }
      case "until-close":
        if (this.#pending.length > 0) this.#body.push(this.#pending);
        this.#pending = EMPTY;
        return false;
      case "done":
        return false;
    }
  }

  #readHead() {
    const end = this.#pending.indexOf(HEAD_END);
    if (end < 0) {
      if (this.#pending.length > 65_536) throw new Error("a reply head of more than 64 KB");
      return false;
    }
    const text = this.#pending.toString("latin1", 0, end);
    this.#pending = this.#pending.subarray(end + HEAD_END.length);
    const head = parseHead(text);
    if (head.status >= 100 && head.status < 200) return true;
    this.#head = head;
    this.#state = this.#bodyState(head);
    return true;
  }

  /**
   * @param {Omit<Reply, "body">} head
   * @returns {State}
   */
  #bodyState(head) {
    if (this.#hasNoBody || head.status === 204 || head.status === 304) return "done";
    if (head.headers.get("transfer-encoding")?.toLowerCase() === "chunked") return "chunk-size";
    const length = head.headers.get("content-length");
    if (length === undefined) {
      head.mustClose = true;
      return "until-close";
    }
    if (!/^\d+$/.test(length)) throw new Error(`Content-Length: ${length}`);
    this.#remaining = Number(length);
    return this.#remaining === 0 ? "done" : "length";
  }

  #readChunkSize() {
    const line = this.#line();
    if (line === undefined) return false;
    const size = /^([0-9a-f]+)(?:;|$)/i.exec(line)?.[1];
    if (size === undefined) throw new Error(`chunk size ${JSON.stringify(line)}`);
    this.#remaining = Number.parseInt(size, 16);
    this.#state = this.#remaining === 0 ? "trailers" : "chunk";
    return true;
  }

  /** @param {State} next the state after the last of the remaining bytes */
  #readBody(next) {
    if (this.#pending.length === 0) return false;
    const part = this.#pending.subarray(0, this.#remaining);
    this.#body.push(part);
    this.#pending = this.#pending.subarray(part.length);
    this.#remaining -= part.length;
    if (this.#remaining === 0) this.#state = next;
    return true;
  }

  #line() {
    const end = this.#pending.indexOf(LINE_END);
    if (end < 0) return undefined;
    const line = this.#pending.toString("latin1", 0, end);
    this.#pending = this.#pending.subarray(end + LINE_END.length);
    return line;
  }
}

/**
 * @param {string} text
 * @returns {Omit<Reply, "body">}
 */
function parseHead(text) {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const match = /^HTTP\/(1\.[01]) (\d{3})(?: |$)/.exec(statusLine);
  if (match === null) throw new Error(`status line ${JSON.stringify(statusLine.slice(0, 80))}`);
  /** @type {Map<string, string>} */
  const headers = new Map();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) throw new Error(`header line ${JSON.stringify(line.slice(0, 80))}`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const version = /** @type {string} */ (match[1]);
  const connection = headers.get("connection")?.toLowerCase() ?? (version === "1.0" ? "close" : "keep-alive");
  return { status: Number(match[2]), version, headers, mustClose: connection.split(/\s*,\s*/).includes("close") };
}
