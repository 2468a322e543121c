/** The validator, an entry of its own: `tsgate/validator`. */

export { type Role, RuleBreach } from "./breach.ts";
export { validator, type ValidatorOptions } from "./validator.ts";
