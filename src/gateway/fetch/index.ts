/**
 * Fetch handlers as gateway applications. An entry of its own: whoever imports it makes Node load its fetch classes,
 * which are several megabytes that other applications do without.
 */

export { fetchApplication, type FetchHandler } from "./application.ts";
export { installLightClasses } from "./install.ts";
