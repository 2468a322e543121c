/** Served by the configuration file beside it: run `tsgate` without arguments in this folder. */
export default function listener(request, response) {
  response.end(
    `${process.env.GREETING ?? "no greeting"} from worker ${process.pid}, called with ${process.argv.slice(2).join(" ")}\n`,
  );
}
