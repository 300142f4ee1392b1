import type { Entry } from "../registry/entry.ts";
import { importsOf } from "./code-graph.ts";
import type { Problem } from "./problem.ts";

/**
 * The entries that can be loaded although others are faulty: no error is known of them, nor of anything
 * that they import.
 */
export function findSound(entries: readonly Entry[], problems: readonly Problem[]): Entry[] {
  const sound = new Map(entries.map((entry) => [entry.id, entry]));
  for (const { severity, entry } of problems) {
    if (severity === "error" && entry !== undefined) sound.delete(entry);
  }
  const missing = (entry: Entry) =>
    importsOf(entry).some(([, target]) => target.includes(":") && !sound.has(target));
  let unsound: Entry[];
  // An entry that falls out takes those with it that import it.
  do {
    unsound = [...sound.values()].filter(missing);
    for (const { id } of unsound) sound.delete(id);
  } while (unsound.length > 0);
  return [...sound.values()];
}
