import type { Entry } from "./entry.ts";

/**
 * Absolute path of the module that owns an entry; that of the application for its own entries.
 *
 * @param modules absolute paths of the modules
 */
export function moduleDirectory(
  entry: Entry,
  modules: Readonly<Record<string, string>>,
  application: string,
): string {
  const module = entry.meta["module"];
  return (typeof module === "string" && modules[module]) || application;
}
