import type { RE2JS } from "re2js";
import { lazy } from "./lazy.ts";

const loaded = lazy(() =>
  require(Bun.fileURLToPath(new URL("./re2.ts", import.meta.url))) as typeof import("./re2.ts")
);

/**
 * A regular expression as RE2 reads it, which takes linear time whatever the text. The library is loaded at first
 * use.
 */
export function compilePattern(text: string): RE2JS {
  return loaded().RE2JS.compile(text);
}
