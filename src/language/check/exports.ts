/**
 * What a chunk gives to those who require it, as a type.
 * @module
 */
import { isBinding, nodesOf } from "../scope.ts";
import type { Expression, Tree } from "../tree.ts";
import type { Library } from "./library.ts";
import type { MadeTables } from "./made-tables.ts";
import { dynamic, type Type } from "./types.ts";

/** The value that a chunk returns; undefined where it returns none, or several. */
function returnedValue({ body }: Tree): Expression | undefined {
  const last = body.at(-1);
  return last?.kind === "Return" && last.values.length === 1 ? last.values[0] : undefined;
}

/** What a chunk gives to those who require it, by the tables that it makes. */
export function libraryOf(tree: Tree, tables: MadeTables): Library {
  const given = returnedValue(tree);
  const value: Type = given ? tables.handedOn(given) ?? tables.typeOf(given, false) : dynamic;
  const fields = value.kind === "record" ? [...value.fields] : [];
  return {
    value,
    typeNames: () => fields.flatMap(([name, { type }]) => type.kind === "type" ? [name] : []),
    type: (name) => {
      const found = value.kind === "record" ? value.fields.get(name)?.type : undefined;
      return found?.kind === "type" ? found.of : undefined;
    },
  };
}

/** The names of the fields that a text assigns to, whatever table they are of. */
export function givenFields(tree: Tree): Set<string> {
  const names = new Set<string>();
  const add = (target: Expression) => {
    if (target.kind === "Member") names.add(target.name);
    if (target.kind === "Index" && target.key.kind === "String") names.add(target.key.value);
  };
  for (const node of nodesOf(tree)) {
    if (isBinding(node) || !("kind" in node)) continue;
    if (node.kind === "Assign") node.targets.forEach(add);
    if (node.kind === "FunctionStatement") add(node.target);
  }
  return names;
}
