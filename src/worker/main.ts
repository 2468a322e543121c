/** Entry of a worker process. The first act keeps node:cluster from ending the process when the master goes. */

import cluster from "node:cluster";
import { Worker } from "./worker.ts";

if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
new Worker().start();
