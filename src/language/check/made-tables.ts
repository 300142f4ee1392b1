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
  readonly named: Expression[] = [];
  hasMethods = false;

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
      else if (node.kind === "FunctionStatement" && node.target.kind === "Member") {
        const uses = of(node.target.object);
        uses?.add(node.target.name, node.body, node.method);
        // Methods may give their `self` whatever they like.
        if (uses && node.method) uses.hasMethods = true;
      } else if (node.kind === "Assign") {
        node.targets.forEach((target, index) => {
          if (target.kind !== "Member") return;
          const value = index < node.values.length ? node.values[index] : undefined;
          of(target.object)?.add(target.name, value, false);
        });
      }
    }
    return found;
  }
}
