/** Instants as the access log writes them. A text is made once a second: thousands of lines share it. */

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

let secondOfLocal = Number.NaN;
let local = "";
let secondOfIso = Number.NaN;
let iso = "";

/** `[10/Oct/2000:13:55:36 -0700]`, in the time zone of the process. */
export function localTime(epochMs: number): string {
  const second = Math.floor(epochMs / 1000);
  if (second !== secondOfLocal) {
    secondOfLocal = second;
    local = formatLocal(new Date(second * 1000));
  }
  return local;
}

/** `2000-10-10T20:55:36.123Z`. */
export function isoTime(epochMs: number): string {
  const whole = Math.floor(epochMs);
  const second = Math.floor(whole / 1000);
  if (second !== secondOfIso) {
    secondOfIso = second;
    iso = new Date(second * 1000).toISOString().slice(0, -4);
  }
  return `${iso}${String(whole - second * 1000).padStart(3, "0")}Z`;
}

function formatLocal(date: Date): string {
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const eastMinutes = -date.getTimezoneOffset();
  const zone = `${two(Math.trunc(Math.abs(eastMinutes) / 60))}${two(Math.abs(eastMinutes) % 60)}`;
  return `[${day}:${time} ${eastMinutes < 0 ? "-" : "+"}${zone}]`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
