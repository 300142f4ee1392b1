/**
 * Renames locals that nothing reads, so that their names say so.
 * @module
 */
import { nodesOf, usesOf } from "./scope.ts";
import type { Binding, Edit, Tree } from "./tree.ts";

/** The new name of a local that nothing reads. */
export function unreadName({ name }: Pick<Binding, "name">): string {
  return `_${name}`;
}

/**
 * The edits that put `_` in front of a local or parameter wherever the text names it, in the order of the text.
 *
 * @returns undefined where the code would mean something else afterwards, because the new name is another one's
 * @example `local count = f() count = 2` becomes `local _count = f() _count = 2`
 */
export function renameUnread(tree: Tree, binding: Binding): Required<Edit>[] | undefined {
  const text = unreadName(binding);
  const places = usesOf(tree, binding);
  // A local of this name is the environment of all globals.
  if (text === "_ENV" || isTaken(tree, text, places.length > 1)) return undefined;
  return places.map(({ start, end }) => ({ start, end, text }));
}

/** Whether a name is used, or, if it is to be used as well, declared. */
function isTaken(tree: Tree, name: string, used: boolean): boolean {
  for (const node of nodesOf(tree)) {
    if ("declared" in node) {
      if (used && node.name === name) return true;
    } else if ("kind" in node) {
      if (node.kind === "Name" && node.name === name) return true;
      if (node.kind === "TypeName" && (node.module === name || node.name === name)) return true;
    }
  }
  return false;
}
