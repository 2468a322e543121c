/** An Express application of the usual kind, which does not listen by itself. */

// @ts-expect-error Express's types are not installed
const express = require("express");

const app = express();
app.get("/", (/** @type {unknown} */ _request, /** @type {{ send(body: string): void }} */ response) => {
  response.send("hello world\n");
});

module.exports = app;
