/**
 * zod, for `schema.ts`. In the executable it is a file of its own, which a program without schemas does not load.
 * @module
 */
export { config, z } from "zod";
