/**
 * The Lua files that every worker runs. The executable carries them as `build/kernel.image`; only development,
 * where the image may be older than the sources, reads them from the folder.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dir, "../../lua");

/** By name as `use` has it, `kernel/core/unit` for example, in a stable order. */
export const sources: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".lua"))
    .map((file) => file.replaceAll("\\", "/"))
    .sort()
    .map((file) => [file.slice(0, -".lua".length), readFileSync(join(folder, file), "utf8")]),
);
