/** Forks the spare worker as soon as this file is reached: before the command line's parser and the settings load. */

import { forkSpare } from "../master/spare-worker.ts";
import { unsupportedPlatform } from "./platform.ts";

if (unsupportedPlatform() === undefined) forkSpare(process.argv.slice(2));
