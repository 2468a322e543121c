/** Express and its static files, as one plain process: `node express-static.cjs PORT`, files from `$STATIC_FOLDER`. */

const http = require("node:http");
// @ts-expect-error Express's types are not installed
const express = require("express");

const app = express();
app.disable("x-powered-by");
app.use(express.static(process.env["STATIC_FOLDER"] ?? "."));
http.createServer(app).listen(Number(process.argv[2]), "127.0.0.1");
