/** Sockets handed over by systemd (sd_listen_fds(3)): which descriptors are there, and that workers do not see them. */

const FIRST_DESCRIPTOR = 3;

/** The descriptors handed to this very process, if any; takes the variables out of `env` either way. */
export function takeInheritedDescriptors(env: NodeJS.ProcessEnv): number[] {
  const isForUs = env.LISTEN_PID === String(process.pid);
  const count = Number(env.LISTEN_FDS);
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  if (!isForUs || !Number.isSafeInteger(count) || count < 1) return [];
  return Array.from({ length: count }, (_, index) => FIRST_DESCRIPTOR + index);
}
