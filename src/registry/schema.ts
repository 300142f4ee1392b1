import type { z as Zod } from "zod";
import { issueText } from "./issue-text.ts";
import { lazy } from "./lazy.ts";

const loaded = lazy(() => {
  const zod = require(
    Bun.fileURLToPath(new URL("./zod.ts", import.meta.url)),
  ) as typeof import("./zod.ts");
  zod.config({ customError: issueText });
  return zod;
});

/**
 * zod, loaded when the first schema is made: that takes about five milliseconds, a fifth of a short script, which needs
 * none. Schemas of entries and operations are made with it, inside of `lazy`, `defineKind` or `defineOperation`; for
 * types import zod itself.
 */
export const z: typeof Zod = new Proxy({} as typeof Zod, {
  get: (_, name) => Reflect.get(loaded().z, name),
});
