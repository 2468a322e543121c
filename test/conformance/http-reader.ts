/** Reads HTTP/1.x responses off a raw socket, strictly: what a client that trusts nothing would see. */

import { connect, type Socket } from "node:net";

export interface Response {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case, values as sent, one character a byte. */
  readonly headers: readonly (readonly [string, string])[];
  /** One character a byte. */
  readonly body: string;
  /** The pieces of a chunked body. */
  readonly chunks: readonly string[];
  /** False: the connection went before the response was whole. */
  readonly isComplete: boolean;
}

export class RawClient {
  readonly socket: Socket;
  wasReset = false;
  private buffer = "";
  private hasEnded = false;
  private wake: () => void = () => {};

  /** On a port of this machine, or over a connection that is being made. */
  constructor(to: number | Socket) {
    this.socket = typeof to === "number" ? connect(to, "127.0.0.1") : to;
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text: string) => {
      this.buffer += text;
      this.wake();
    });
    // A reset is an end like any other here: what counts is what has come before it.
    this.socket.on("error", (error: NodeJS.ErrnoException) => {
      this.wasReset = error.code === "ECONNRESET";
    });
    for (const event of ["end", "close"]) {
      this.socket.on(event, () => {
        this.hasEnded = true;
        this.wake();
      });
    }
  }

  send(bytes: string | Uint8Array): void {
    if (typeof bytes === "string") this.socket.write(bytes, "latin1");
    else this.socket.write(bytes);
  }

  /** The next response; undefined when the connection ended before one began. `isBodyless`: it answers a HEAD. */
  async response(isBodyless = false): Promise<Response | undefined> {
    if (!(await this.until(() => this.buffer.includes("\r\n\r\n")))) {
      if (this.buffer === "") return undefined;
      throw new Error(`no whole head came: ${JSON.stringify(this.buffer)}`);
    }
    const end = this.buffer.indexOf("\r\n\r\n");
    const [line = "", ...fields] = this.buffer.slice(0, end).split("\r\n");
    this.buffer = this.buffer.slice(end + 4);
    const match = /^HTTP\/1\.1 (\d{3}) (.*)$/s.exec(line);
    if (match === null) throw new Error(`not a status line: ${line}`);
    const status = Number(match[1]);
    const headers = fields.map(parseField);
    const body = isBodyless || status < 200 || status === 204 || status === 304 ? NO_BODY : await this.body(headers);
    return { status, reason: match[2] as string, headers, ...body };
  }

  /** Resolves when the server has closed; with what came until then and was not read as a response. */
  async ended(): Promise<string> {
    await this.until(() => false);
    return this.buffer;
  }

  /** Resolves when one of these texts has come and is not yet read as a response; false if the connection ended. */
  received(...texts: string[]): Promise<boolean> {
    return this.until(() => texts.some((text) => this.buffer.includes(text)));
  }

  close(): void {
    this.socket.destroy();
  }

  private async body(headers: Response["headers"]): Promise<Pick<Response, "body" | "chunks" | "isComplete">> {
    const length = valueOf(headers, "content-length");
    if (valueOf(headers, "transfer-encoding") === "chunked") {
      if (length !== undefined) throw new Error("both Content-Length and Transfer-Encoding were sent");
      return this.chunkedBody();
    }
    if (length === undefined) {
      await this.until(() => false);
      return { body: this.take(this.buffer.length), chunks: [], isComplete: true };
    }
    const isComplete = await this.until(() => this.buffer.length >= Number(length));
    return { body: this.take(Number(length)), chunks: [], isComplete };
  }

  private async chunkedBody(): Promise<Pick<Response, "body" | "chunks" | "isComplete">> {
    const chunks: string[] = [];
    for (;;) {
      const hasSize = await this.until(() => this.buffer.includes("\r\n"));
      const size = hasSize ? Number.parseInt(this.take(this.buffer.indexOf("\r\n") + 2), 16) : Number.NaN;
      if (!hasSize || !(await this.until(() => this.buffer.length >= size + 2))) {
        return { body: chunks.join(""), chunks, isComplete: false };
      }
      const chunk = this.take(size);
      if (this.take(2) !== "\r\n") throw new Error("a chunk does not end with CRLF");
      if (size === 0) return { body: chunks.join(""), chunks, isComplete: true };
      chunks.push(chunk);
    }
  }

  private take(count: number): string {
    const taken = this.buffer.slice(0, count);
    this.buffer = this.buffer.slice(count);
    return taken;
  }

  private async until(isThere: () => boolean): Promise<boolean> {
    while (!isThere()) {
      if (this.hasEnded) return false;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return true;
  }
}

/** Connects to `port` as often as `use` wants to; everything is closed when it is through. */
export async function withClients(port: number, use: (connect: () => RawClient) => Promise<void>): Promise<void> {
  const clients: RawClient[] = [];
  try {
    await use(() => {
      const client = new RawClient(port);
      clients.push(client);
      return client;
    });
  } finally {
    for (const client of clients) client.close();
  }
}

/** The value of a header that comes once. */
export function valueOf(headers: Response["headers"], name: string): string | undefined {
  const values = headers.filter(([key]) => key === name);
  if (values.length > 1) throw new Error(`${name} came ${values.length} times`);
  return values[0]?.[1];
}

function parseField(field: string): readonly [string, string] {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): (.*)$/s.exec(field);
  if (match === null) throw new Error(`not a header: ${JSON.stringify(field)}`);
  return [(match[1] as string).toLowerCase(), match[2] as string];
}

const NO_BODY = { body: "", chunks: [], isComplete: true } as const;
