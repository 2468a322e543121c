/** An Express application of the usual kind, which does not listen by itself. */

// @ts-expect-error Express's types are not installed
import express from "express";

const app = express();
app.get("/", (/** @type {unknown} */ _request, /** @type {{ send(body: string): void }} */ response) => {
  response.send("hello world\n");
});

export default app;
