/**
 * What a chunk gives to those who require it, as a type.
 * @module
 */
import { isBinding, nodesOf } from "../scope.ts";
import type { Binding, Expression, Tree } from "../tree.ts";
import type { Library } from "./library.ts";
import type { TypeNames } from "./resolve.ts";
import { dynamic, type Field, type Type, widen } from "./types.ts";

/** What the checker has found out about a chunk. */
interface Found {
  /** The type of a value that is exported. */
  typeOf(value: Expression, method: boolean): Type;
}

interface Given {
  value: Expression | undefined;
  method: boolean;
}

/** The value that a chunk returns; undefined where it returns none, or several. */
function returnedValue({ body }: Tree): Expression | undefined {
  const last = body.at(-1);
  return last?.kind === "Return" && last.values.length === 1 ? last.values[0] : undefined;
}

/**
 * What a chunk gives to those who require it.
 *
 * @param names the types of the chunk itself
 * @param known the types that expressions were found to have
 */
export function libraryOf(
  tree: Tree,
  names: TypeNames,
  known: (value: Expression) => Type,
): Library {
  const typeOf = (value: Expression, method: boolean): Type => {
    if (value.kind === "Function") return names.functionType(value, method);
    if (value.kind === "Name" && !value.local) {
      const declared = tree.types.some(({ name }) => name === value.name);
      const type = declared ? names.find(value.name) : undefined;
      return type ? { kind: "type", of: type } : dynamic;
    }
    return widen(known(value));
  };
  const value = exportedType(tree, { typeOf });
  return {
    value,
    type: (name) => {
      const found = value.kind === "record" ? value.fields.get(name)?.type : undefined;
      return found?.kind === "type" ? found.of : undefined;
    },
  };
}

/** The type of what a chunk returns. */
function exportedType(tree: Tree, found: Found): Type {
  const value = returnedValue(tree);
  if (!value) return dynamic;
  if (value.kind === "Table") return literal(value, found);
  const table = value.kind === "Name" && value.local?.value?.kind === "Table" && value.local;
  if (!table || table.assigned) return found.typeOf(value, false);
  return grown(tree, table, found);
}

type Table = Extract<Expression, { kind: "Table" }>;

function literal(table: Table, found: Found): Type {
  const fields = new Map<string, Field>();
  let open = false;
  for (const { key, value } of table.fields) {
    if (key?.kind !== "String") open = true;
    else fields.set(key.value, { optional: false, type: memberType(value, false, found) });
  }
  return { kind: "record", fields, foreign: true, ...(open && { open }) };
}

/** Only functions are certain: any other value may be assigned again later. */
function memberType(value: Expression | undefined, method: boolean, found: Found): Type {
  if (!value) return dynamic;
  const type = found.typeOf(value, method);
  return type.kind === "function" || type.kind === "type" || value.kind === "Cast" ? type : dynamic;
}

/** The type of a table that a local holds, with what is put into it anywhere in the text. */
function grown(tree: Tree, binding: Binding, found: Found): Type {
  const given = new Map<string, Given[]>();
  const add = (name: string, value: Expression | undefined, method: boolean) => {
    const list = given.get(name);
    if (list) list.push({ value, method });
    else given.set(name, [{ value, method }]);
  };
  const own = binding.value as Table;
  let open = own.fields.some(({ key }) => key?.kind !== "String");
  for (const { key, value } of own.fields) if (key?.kind === "String") add(key.value, value, false);
  const isOwn = (node: Expression): boolean => node.kind === "Name" && node.local === binding;
  const plain = new Set<Expression>([returnedValue(tree)!]);
  const named: Expression[] = [];
  for (const node of nodesOf(tree)) {
    if (isBinding(node) || !("kind" in node)) continue;
    if (node.kind === "Name" && isOwn(node)) named.push(node);
    else if (node.kind === "Member" && isOwn(node.object)) plain.add(node.object);
    else if (node.kind === "FunctionStatement" && node.target.kind === "Member") {
      if (!isOwn(node.target.object)) continue;
      add(node.target.name, node.body, node.method);
      // Methods may give their `self` whatever they like.
      open ||= node.method;
    } else if (node.kind === "Assign") {
      node.targets.forEach((target, index) => {
        if (target.kind !== "Member" || !isOwn(target.object)) return;
        add(target.name, index < node.values.length ? node.values[index] : undefined, false);
      });
    }
  }
  // Whoever gets the table as a whole may put more into it.
  open ||= named.some((name) => !plain.has(name));
  const fields = new Map<string, Field>();
  for (const [name, values] of given) {
    const [only] = values;
    const type = values.length === 1 ? memberType(only!.value, only!.method, found) : dynamic;
    fields.set(name, { optional: false, type });
  }
  return { kind: "record", fields, foreign: true, ...(open && { open }) };
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
