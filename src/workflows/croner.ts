/**
 * croner, for `cron.ts`. In the executable it is a file of its own, which a program without schedules does not load.
 * @module
 */
export { Cron } from "croner";
