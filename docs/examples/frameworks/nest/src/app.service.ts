import { setTimeout as pause } from "node:timers/promises";
import { Injectable } from "@nestjs/common";

@Injectable()
export class AppService {
  isOpen = false;
  healthAsked = 0;

  /** The numbers from 1 to 5, a tenth of a second apart. */
  async *lines(): AsyncGenerator<string> {
    for (let number = 1; number <= 5; number++) {
      yield `${number}\n`;
      await pause(100);
    }
  }

  /** A line each tenth of a second, for as long as somebody reads. */
  async *ticks(): AsyncGenerator<string> {
    for (;;) {
      yield `worker ${process.pid}\n`;
      await pause(100);
    }
  }
}
