/** What the applications of the comparison answer with: the same on every server. */

module.exports = {
  WORKLOAD: process.env["WORKLOAD"] ?? "hello",
  HELLO: "hello world\n",
  LARGE: Buffer.alloc(65_536, "x"),
  CHUNK: Buffer.alloc(1024, "y"),
  CHUNKS: 16,
};
