/**
 * RE2, for `pattern.ts`. In the executable it is a file of its own, which a program without patterns does not load.
 * @module
 */
export { RE2JS } from "re2js";
