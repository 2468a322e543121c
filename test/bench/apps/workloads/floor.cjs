/** What Node itself takes for one read and one write: a constant reply, and nobody looks at what came. `$PORT`. */

const net = require("node:net");

const BODY = "hello world\n";
const CLOSES = process.env["WORKLOAD"] === "fresh";
const HEAD = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${BODY.length}\r\n`;
const REPLY = Buffer.from(`${HEAD}${CLOSES ? "Connection: close\r\n" : ""}\r\n${BODY}`, "latin1");

net
  .createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => (CLOSES ? socket.end(REPLY) : socket.write(REPLY)));
  })
  .listen(Number(process.env["PORT"]), "127.0.0.1");
