/**
 * What tables hold that a text makes, by what it puts into them.
 * @module
 */
import { isBinding, nodesOf } from "../scope.ts";
import type { Binding, Expression, Tree } from "../tree.ts";
import { dynamic, type Field, type Type } from "./types.ts";

export type Table = Extract<Expression, { kind: "Table" }>;
type RecordType = Extract<Type, { kind: "record" }>;

/** What is known of a function or another value that is put into a table. */
export type KnownType = (value: Expression, method: boolean) => Type;

interface Given {
  value: Expression | undefined;
  method: boolean;
}

/** What a text does with the table that a local holds. */
class Uses {
  readonly given = new Map<string, Given[]>();
  /** Where it is named to look into it, or to put something into it. */
  readonly plain = new Set<Expression>();
  /** Where a value of it is read or written under a key, or an operator looks at it. */
  readonly looked = new Set<Expression>();
  readonly named: Expression[] = [];
  hasMethods = false;
  /** Whether values are put in under keys that are computed. */
  isComputed = false;

  add(name: string, value: Expression | undefined, method: boolean): void {
    const list = this.given.get(name);
    if (list) list.push({ value, method });
    else this.given.set(name, [{ value, method }]);
  }
}

/** A table that a text hands on with nothing in it is for others to fill. */
function recordOf(fields: Map<string, Field>, open: boolean): RecordType {
  return {
    kind: "record",
    fields,
    foreign: true,
    ...((open || fields.size === 0) && { open: true }),
  };
}

/** The tables of one text. */
export class MadeTables {
  #uses: Map<Binding, Uses> | undefined;

  constructor(readonly tree: Tree, readonly typeOf: KnownType) {}

  /**
   * The type of a table where it is handed on: by a literal, or by the local that holds it; undefined for other values.
   * Of its members only functions are certain: any other value may be assigned again later.
   */
  handedOn(value: Expression): RecordType | undefined {
    if (value.kind === "Table") return this.#literal(value);
    if (value.kind !== "Name" || !value.local || value.local.assigned) return undefined;
    const made = value.local.value;
    return made?.kind === "Table" ? this.#grown(value, value.local, made) : undefined;
  }

  /** Whether it is a table that the text only looks into, and puts values into. */
  isPlain(value: Expression): boolean {
    if (value.kind === "Paren") return this.isPlain(value.inner);
    if (value.kind === "Table") return true;
    if (value.kind !== "Name" || value.local?.value?.kind !== "Table") return false;
    const uses = this.#usesOf(value.local);
    return !value.local.assigned && !uses.hasMethods &&
      uses.named.every((name) => uses.plain.has(name) || uses.looked.has(name));
  }

  /** What a table that a local holds has under a name, where the text shows it for certain. */
  memberOf(object: Expression, name: string): Type | undefined {
    if (object.kind !== "Name" || object.local?.value?.kind !== "Table") return undefined;
    const { local } = object;
    const table = object.local.value;
    const uses = this.#usesOf(local);
    if (local.assigned || uses.isComputed) return undefined;
    const made = table.fields.filter(({ key }) => key?.kind === "String" && key.value === name);
    const put = uses.given.get(name) ?? [];
    if (made.length + put.length !== 1) return undefined;
    const { value, method } = put[0] ?? { value: made[0]!.value, method: false };
    if (value?.kind === "Function") return this.typeOf(value, method);
    // Any other value may come and go unless the table stays here.
    return made.length === 1 && value && this.isPlain(object)
      ? this.typeOf(value, false)
      : undefined;
  }

  #literal(table: Table): RecordType {
    const fields = new Map<string, Field>();
    let open = false;
    for (const { key, value } of table.fields) {
      if (key?.kind !== "String") open = true;
      else fields.set(key.value, { optional: false, type: this.#member({ value, method: false }) });
    }
    return recordOf(fields, open);
  }

  #member({ value, method }: Given): Type {
    if (!value) return dynamic;
    const type = this.typeOf(value, method);
    const certain = type.kind === "function" || type.kind === "type" || value.kind === "Cast";
    return certain ? type : dynamic;
  }

  /** The type of a table that a local holds, with what is put into it anywhere in the text. */
  #grown(at: Expression, binding: Binding, made: Table): RecordType {
    const uses = this.#usesOf(binding);
    // What `_ENV` holds are globals.
    let open = uses.hasMethods || binding.name === "_ENV" ||
      made.fields.some(({ key }) => key?.kind !== "String");
    // Whoever gets the table as a whole may put more into it.
    open ||= uses.named.some((name) => name !== at && !uses.plain.has(name));
    const given = new Map<string, Given[]>();
    for (const { key, value } of made.fields) {
      if (key?.kind === "String") {
        const first = { value, method: false };
        given.set(key.value, [...given.get(key.value) ?? [], first]);
      }
    }
    for (const [name, more] of uses.given) given.set(name, [...given.get(name) ?? [], ...more]);
    const fields = new Map<string, Field>();
    for (const [name, values] of given) {
      const type = values.length === 1 ? this.#member(values[0]!) : dynamic;
      fields.set(name, { optional: false, type });
    }
    return recordOf(fields, open);
  }

  #usesOf(binding: Binding): Uses {
    this.#uses ??= this.#collect();
    return this.#uses.get(binding) ?? new Uses();
  }

  #collect(): Map<Binding, Uses> {
    const found = new Map<Binding, Uses>();
    const of = (node: Expression): Uses | undefined => {
      if (node.kind !== "Name" || node.local?.value?.kind !== "Table") return undefined;
      let uses = found.get(node.local);
      if (!uses) found.set(node.local, uses = new Uses());
      return uses;
    };
    for (const node of nodesOf(this.tree)) {
      if (isBinding(node) || !("kind" in node)) continue;
      if (node.kind === "Name") of(node)?.named.push(node);
      else if (node.kind === "Member") of(node.object)?.plain.add(node.object);
      else if (node.kind === "Index") of(node.object)?.looked.add(node.object);
      else if (node.kind === "Unary") of(node.operand)?.looked.add(node.operand);
      else if (node.kind === "Binary" && node.operator !== "and" && node.operator !== "or") {
        for (const operand of [node.left, node.right]) of(operand)?.looked.add(operand);
      } else if (node.kind === "FunctionStatement" && node.target.kind === "Member") {
        const uses = of(node.target.object);
        uses?.add(node.target.name, node.body, node.method);
        // Methods may give their `self` whatever they like.
        if (uses && node.method) uses.hasMethods = true;
      } else if (node.kind === "Assign") {
        node.targets.forEach((target, index) => {
          const put = target.kind === "Index" ? of(target.object) : undefined;
          if (put) put.isComputed = true;
          if (target.kind !== "Member") return;
          const value = index < node.values.length ? node.values[index] : undefined;
          of(target.object)?.add(target.name, value, false);
        });
      }
    }
    return found;
  }
}
