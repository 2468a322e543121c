/** How large a request may be, and which of its headers are taken. */

import { one, size, type SettingRows, type ValueType } from "../setting-row.ts";
import { parseChoice, parseInteger } from "../values.ts";

/** What Node reads of a head at most, in the workers as tsgate starts them. */
export const LARGEST_HEAD = 65_536;

function upTo(most: number): ValueType<number> {
  return one((value) => parseInteger(value, 0, most));
}

export const LIMITS: SettingRows<
  "limitRequestLine" | "limitRequestFields" | "limitRequestFieldSize" | "limitRequestBody" | "headerMap"
> = {
  limitRequestLine: {
    metavar: "N",
    type: upTo(LARGEST_HEAD),
    default: 8190,
    doc: "Bytes of a request's first line, above which it is answered with 414; 0 means any number, as far as a head of 64 KB goes",
    takesEffect: "reload",
  },
  limitRequestFields: {
    metavar: "N",
    type: upTo(32_768),
    default: 100,
    doc: "Headers of a request, above which it is answered with 431; 0 means any number, as far as a head of 64 KB goes",
    takesEffect: "reload",
  },
  limitRequestFieldSize: {
    metavar: "N",
    type: upTo(LARGEST_HEAD),
    default: 8190,
    doc: "Bytes of one header, name and value, above which a request is answered with 431; 0 means any number, as far as a head of 64 KB goes",
    takesEffect: "reload",
  },
  limitRequestBody: {
    metavar: "SIZE",
    type: size(),
    default: 0,
    doc: "Size of a request's body, above which it is answered with 413: before the application sees it where the size is said beforehand, else when so much has come; 0 means any",
    takesEffect: "reload",
  },
  headerMap: {
    metavar: "CHOICE",
    type: one((value) => parseChoice(value, ["drop", "refuse"] as const)),
    default: "drop",
    doc: "What becomes of headers whose names hold an underscore, which in an environ would look like those with a hyphen: drop leaves them out, refuse answers the request with 400",
    kinds: ["gateway", "fetch", "wsgi"],
    takesEffect: "reload",
  },
};
