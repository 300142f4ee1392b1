/**
 * The messages of Temporal's services that this program uses. Their types are those of `@temporalio/proto`, but whole
 * numbers of 64 bits are numbers: `long` makes them, `whole` reads them.
 * @module
 */
export { google, long, temporal } from "../../../../../build/temporal-messages.js";
