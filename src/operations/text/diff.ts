/**
 * Differences and patches of texts, by diff-match-patch.
 * @module
 */
import { diffMain, patchApply, patchFromText, patchMake, patchToText } from "diff-match-patch-es";

/** Those of diff-match-patch; the timeout is in seconds. */
export interface DiffOptions {
  diffTimeout: number;
  diffEditCost: number;
  matchThreshold: number;
  matchDistance: number;
  patchDeleteThreshold: number;
  patchMargin: number;
}

/** One step from one text to another. */
export interface Difference {
  operation: "equal" | "delete" | "insert";
  text: string;
}

const operations = { "-1": "delete", "0": "equal", "1": "insert" } as const;

/** The steps from one text to another, character by character. */
export function compareTexts(one: string, other: string, options: DiffOptions): Difference[] {
  return diffMain(one, other, options, false)
    .map(([operation, text]) => ({ operation: operations[operation], text }));
}

/** Patches that make one text another, each as the text that diff-match-patch writes. */
export function makePatches(one: string, other: string, options: DiffOptions): string[] {
  return patchMake(one, other, undefined, options).map((patch) => patchToText([patch]));
}

/** Applies patches that can be read to a text; returns it, and whether all of those could be applied. */
export function applyPatches(
  patches: readonly string[],
  text: string,
  options: DiffOptions,
): [text: string, all: boolean] {
  const read = patches.flatMap((patch) => {
    try {
      return patchFromText(patch);
    } catch {
      return [];
    }
  });
  const [result, applied] = patchApply(read, text, options);
  const all = Array.isArray(applied) && applied.every((one) => one === true);
  return [String(result), all];
}
