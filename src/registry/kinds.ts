/**
 * Every kind of entry, found by the place of its definition (`src/services/make-index.ts`): see
 * `docs/contributing/entry-kinds.md`.
 * @module
 */
import { definitions } from "../../build/kinds.js";
import { isKind, type Kind } from "./kind.ts";
import { refusedKind } from "./refused.ts";
import { suggest } from "./suggestion.ts";

/** @throws Error where two definitions have one name */
function collect(): Map<string, Kind> {
  const found = new Map<string, Kind>();
  for (const [file, exported] of Object.entries(definitions)) {
    for (const kind of Object.values(exported).filter(isKind)) {
      if (found.has(kind.name)) {
        throw new Error(`${file}: the kind ${kind.name} is defined already`);
      }
      found.set(kind.name, kind);
    }
  }
  return found;
}

/** Every kind of entry that an application may hold, by name. */
export const kinds: ReadonlyMap<string, Kind> = collect();

/** Kinds of the reference runtime that are not built yet. */
const pending: ReadonlySet<string> = new Set(
  "queue.driver.sqs".split(" "),
);

/** How to fix a kind that is not in `kinds`. */
export function suggestKind(name: string): string {
  const refusal = refusedKind(name);
  if (refusal !== undefined) return refusal;
  const all = [...kinds.keys()].sort();
  const list = `use one of ${all.join(", ")}`;
  return pending.has(name) ? `this wippy does not run it; ${list}` : suggest(name, all, list);
}
