/** What a worker tells of its load, for both who tell it and who judge it. */

export interface WorkerLoad {
  /** Open connections, of every kind; what comes and goes quickly is left out. */
  readonly connections: number;
  /** All that are open at this moment, and those that are on their way to it. */
  readonly open: number;
  /** For how much of the time its event loop has been busy lately: 0 … 1. */
  readonly utilization: number;
  /** It listens on the server's sockets. */
  readonly isAccepting: boolean;
  /** It holds as many connections as it may. */
  readonly isFull: boolean;
}

/** Fewer connections than this need no balance: what comes and goes quickly must not cost a message. */
export const FEW_CONNECTIONS = 8;
