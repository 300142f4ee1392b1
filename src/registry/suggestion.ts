import { parseId } from "./entry.ts";

/** Edits (insert, delete, replace, swap of neighbours) that turn one text into the other. */
function distance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1];
      let cost = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] &&
        left[i - 2] === right[j - 1];
      if (swapped) cost = Math.min(cost, beforePrevious[j - 2]! + 1);
      row.push(cost);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[right.length]!;
}

/**
 * The candidate that was most likely meant, or `undefined` when none is near: at most a third of the
 * letters differ (and at most three).
 *
 * @example nearest("functon.lua", ["function.lua", "library.lua"]) === "function.lua"
 */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  const wanted = text.toLowerCase();
  const allowed = Math.min(3, Math.max(1, Math.floor(text.length / 3)));
  let best: string | undefined;
  let bestDistance = allowed + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - text.length) >= bestDistance) continue;
    const edits = distance(wanted, candidate.toLowerCase());
    if (edits < bestDistance) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
}

/**
 * The identifier that was most likely meant: one whose name is near in the same namespace, else one that is near as a
 * whole, or the same name elsewhere.
 */
export function nearestId(id: string, candidates: Iterable<string>): string | undefined {
  const ids = [...candidates];
  const { namespace, name } = parseId(id);
  const inside = ids.map(parseId).filter((other) => other.namespace === namespace);
  const near = nearest(name, inside.map((other) => other.name));
  if (near !== undefined) return `${namespace}:${near}`;
  const elsewhere = ids.filter((other) => parseId(other).namespace !== namespace);
  return elsewhere.find((other) => parseId(other).name === name) ?? nearest(id, elsewhere);
}

/** `did you mean "x"?` when a candidate is near, else the sentence given. */
export function suggest(text: string, candidates: Iterable<string>, otherwise: string): string {
  const candidate = nearest(text, candidates);
  return candidate === undefined ? otherwise : `did you mean "${candidate}"?`;
}
