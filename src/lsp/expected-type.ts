/**
 * The type that a table is written for.
 * @module
 */
import { dynamic, expand, type Type, withoutNil } from "../language/check/types.ts";
import { isBinding, type Node, pathTo } from "../language/scope.ts";
import type { Expression, Tree } from "../language/tree.ts";
import type { Inferred } from "./inferred.ts";

type Table = Extract<Expression, { kind: "Table" }>;

function isTable(node: Node | undefined): node is Table {
  return node !== undefined && "kind" in node && node.kind === "Table";
}

/** The table around an offset, and its type where it is declared. */
export function tableAt(
  tree: Tree,
  offset: number,
  inferred: Inferred,
): { table: Table; type: Type } | undefined {
  const path = pathTo(tree, offset).filter((node) => !isBinding(node));
  const at = path.findLastIndex((node) =>
    isTable(node)
      // One that is not closed yet ends where the cursor is.
      ? node.start < offset && (offset < node.end || tree.text[node.end - 1] !== "}")
      : "kind" in node && node.kind === "Function"
  );
  const table = path[at];
  return isTable(table) ? { table, type: withoutNil(typeOfPlace(path, at, inferred)) } : undefined;
}

/** The type of the place where the node of a path stands. */
function typeOfPlace(path: readonly Node[], at: number, inferred: Inferred): Type {
  const node = path[at] as Expression;
  const around = path[at - 1];
  if (!around) return dynamic;
  if (!("kind" in around)) {
    const outer = path[at - 2];
    if (isBinding(around) || around.value !== node || !isTable(outer)) return dynamic;
    const type = expand(withoutNil(typeOfPlace(path, at - 2, inferred)));
    if (type.kind === "array") return type.element;
    if (type.kind === "map") return type.value;
    const { key } = around;
    return type.kind === "record" && key?.kind === "String"
      ? type.fields.get(key.value)?.type ?? dynamic
      : dynamic;
  }
  if (around.kind === "Local") {
    const binding = around.bindings[around.values.indexOf(node)];
    return binding && inferred.locals.get(binding) || dynamic;
  }
  if (around.kind === "Call") {
    const callee = expand(inferred.expressions.get(around.callee) ?? dynamic);
    const place = around.args.indexOf(node);
    return callee.kind === "function" ? callee.params[place] ?? dynamic : dynamic;
  }
  return dynamic;
}
