import type { Tree } from "./tree.ts";

/** Parts of a node that hold no code of their own, or hold it twice. */
const passive: ReadonlySet<string> = new Set([
  "local",
  "binding",
  "bindings",
  "variable",
  "variables",
  "parameters",
  "type",
  "results",
  "vararg",
]);

/**
 * Shows each node of a tree with code of its own, in no particular order, the tree itself as its
 * first one. Works without recursion, because chains of expressions may be long.
 */
export function walk(tree: Pick<Tree, "body">, see: (node: object) => void): void {
  const waiting: unknown[] = [{ body: tree.body }];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== "object" || node === null) continue;
    see(node);
    // No pairs are made of keys and parts: nodes are many.
    for (const key in node) {
      if (!passive.has(key)) waiting.push((node as Record<string, unknown>)[key]);
    }
  }
}
