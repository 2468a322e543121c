/** What every framework stands on: `node bare-http.cjs PORT`. Says how many bytes came. */

const http = require("node:http");

http
  .createServer((request, response) => {
    if (request.method === "GET") {
      response.setHeader("Content-Type", "text/plain");
      response.end("hello world\n");
      return;
    }
    /** @type {Buffer[]} */
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      response.setHeader("Content-Type", "text/plain");
      response.end(String(JSON.parse(Buffer.concat(chunks).toString()).items.length));
    });
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
