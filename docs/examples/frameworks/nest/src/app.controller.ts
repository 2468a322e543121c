import { createReadStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { Controller, Get, Header, HttpCode, Post, Req, StreamableFile } from "@nestjs/common";
// A type alone: what a decorated method takes must not be imported for its metadata.
import type { Request } from "express";
import { AppService } from "./app.service.js";

const FILE = path.join(import.meta.dirname, "../file.txt");

@Controller()
export class AppController {
  constructor(private readonly service: AppService) {}

  @Get()
  hello(): string {
    return `Hello from NestJS in worker ${process.pid}, open: ${this.service.isOpen}\n`;
  }

  @Get("stream")
  stream(): StreamableFile {
    return new StreamableFile(Readable.from(this.service.lines(), { objectMode: false }), { type: "text/plain" });
  }

  @Post("upload")
  @HttpCode(200)
  async upload(@Req() request: Request): Promise<string> {
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    return `${bytes} bytes\n`;
  }

  @Get("file")
  @Header("Content-Type", "text/plain")
  file(): StreamableFile {
    return new StreamableFile(createReadStream(FILE));
  }

  @Get("error")
  error(): never {
    throw new Error("thrown on purpose");
  }

  @Get("forever")
  forever(): StreamableFile {
    return new StreamableFile(Readable.from(this.service.ticks(), { objectMode: false }), { type: "text/plain" });
  }
}
