import { nearestId } from "../registry/suggestion.ts";
import type { CodeEntry } from "./messages.ts";

/** Returns the most similar id to `id` among entries of these kinds, which are separated by spaces. */
export function nearestOf(
  entries: Iterable<CodeEntry>,
  id: string,
  kinds: string,
): string | undefined {
  const wanted = kinds.split(" ");
  const fitting = [...entries].filter(({ kind }) => wanted.includes(kind));
  return nearestId(id, fitting.map((entry) => entry.id));
}
