import { nearestId } from "../registry/suggestion.ts";
import type { CodeEntry } from "./messages.ts";

/** The id of an entry of one of these kinds, with blanks between them, that is written almost like `id`. */
export function nearestOf(
  entries: Iterable<CodeEntry>,
  id: string,
  kinds: string,
): string | undefined {
  const wanted = kinds.split(" ");
  const fitting = [...entries].filter(({ kind }) => wanted.includes(kind));
  return nearestId(id, fitting.map((entry) => entry.id));
}
