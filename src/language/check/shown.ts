/**
 * What functions return that do not say it, and what a chunk gives to others: as far as the code shows it.
 * @module
 */
import type { Expression, FunctionBody, Tree } from "../tree.ts";
import { libraryOf } from "./exports.ts";
import type { Library } from "./library.ts";
import { MadeTables } from "./made-tables.ts";
import type { TypeNames } from "./resolve.ts";
import {
  dynamic,
  expand,
  type FunctionShape,
  madeText,
  type Type,
  widen,
  withoutNil,
} from "./types.ts";

type RecordType = Extract<Type, { kind: "record" }>;

/** Collects what functions return while their code is looked at. */
export class Shown {
  readonly #tables: MadeTables;
  readonly #results = new Map<FunctionBody, readonly Type[]>();
  #chunk: { outer: TypeNames; names: TypeNames } | undefined;
  /** What the function that is looked at returns in each place. */
  #returned: (readonly Expression[])[] = [];

  /**
   * @param names the types that are visible where the code is looked at
   * @param known the types that expressions were found to have
   */
  constructor(
    readonly tree: Tree,
    readonly names: () => TypeNames,
    readonly known: (value: Expression) => Type,
  ) {
    this.#tables = new MadeTables(tree, (value, method) => this.#typeOf(value, method));
  }

  /** What the chunk gives to those who require it, once all of it has been looked at. */
  get library(): Library {
    return libraryOf(this.tree, this.#tables);
  }

  /** What a table has under a name, where the code shows it. */
  memberOf(object: Expression, name: string): Type | undefined {
    return this.#tables.memberOf(object, name);
  }

  /** Whether an expression is a table that gets no metatable. */
  isPlain(expression: Expression): boolean {
    return this.#tables.isPlain(expression);
  }

  /** The values of a `return`. */
  add(values: readonly Expression[]): void {
    this.#returned.push(values);
  }

  /** Looks at a function. @param look returns whether its end is not reached */
  inside(body: FunctionBody, shape: FunctionShape, look: () => boolean): void {
    const outer = this.#returned;
    this.#returned = [];
    const returned = look() ? this.#returned : [...this.#returned, []];
    this.#returned = outer;
    if (shape.results) return;
    const shown = shownResults(
      returned,
      (value) => this.#tables.handedOn(value) ?? widen(this.known(value)),
    );
    if (shown.length === 0) return;
    shape.shown = shown;
    this.#results.set(body, shown);
  }

  /** The types of the chunk, and those that are visible where the code is looked at. */
  #ofChunk(): TypeNames {
    const outer = this.names();
    if (this.#chunk?.outer !== outer) {
      this.#chunk = { outer, names: outer.inside(this.tree.body) };
    }
    return this.#chunk.names;
  }

  /** The type of a value, as those see it who get it from elsewhere. */
  #typeOf(value: Expression, method: boolean): Type {
    if (value.kind === "Function") {
      const shown = this.#results.get(value);
      return { ...this.#ofChunk().functionType(value, method), ...(shown && { shown }) };
    }
    if (value.kind === "Name" && !value.local) {
      const declared = this.tree.types.some(({ name }) => name === value.name);
      const type = declared ? this.#ofChunk().find(value.name) : undefined;
      return type ? { kind: "type", of: type } : dynamic;
    }
    return widen(this.known(value));
  }
}

/** What a function returns, by the values of each `return`; none for its end. Empty where nothing is known. */
function shownResults(
  returned: readonly (readonly Expression[])[],
  typeOf: (value: Expression) => Type,
): Type[] {
  const count = Math.max(0, ...returned.map(({ length }) => length));
  const results = Array.from({ length: count }, (_, index) => {
    const types: Type[] = [];
    let leavesOut = false;
    for (const values of returned) {
      const value = values[index];
      if (value) types.push(typeOf(value));
      // What more a call returns is not known.
      else if (mayBeMany(values.at(-1))) return dynamic;
      else leavesOut = true;
    }
    return joined(types, leavesOut);
  });
  while (results.at(-1)?.kind === "dynamic") results.pop();
  return results;
}

function mayBeMany(value: Expression | undefined): boolean {
  return value !== undefined && /^(?:Call|MethodCall|Vararg)$/.test(value.kind);
}

/**
 * One type for values of one kind; those of several are not known. Of a result that may be nil the caller may know
 * more, and of a table too: it has the fields that are shown, and maybe others.
 */
function joined(types: readonly Type[], leavesOut: boolean): Type {
  let mayBeNil = leavesOut;
  const found: Type[] = [];
  for (const type of types) {
    const present = type.kind === "maybe" ? type.inner : withoutNil(type);
    mayBeNil ||= present !== type;
    if (present.kind !== "never") found.push(present);
  }
  const type = ofOneKind(found);
  return mayBeNil && type.kind !== "dynamic" ? { kind: "maybe", inner: type } : type;
}

function ofOneKind(found: readonly Type[]): Type {
  const [first] = found;
  const all = (...kinds: string[]) => found.every((type) => kinds.includes(expand(type).kind));
  if (!first) return dynamic;
  if (all("boolean")) return { kind: "boolean" };
  if (all("integer")) return { kind: "integer" };
  if (all("integer", "number")) return { kind: "number" };
  // A text may be a numeral.
  if (all("string")) return madeText;
  const records = found.map(expand).filter((type): type is RecordType => type.kind === "record");
  if (records.length === found.length && records.every(({ foreign }) => foreign)) {
    return merged(records);
  }
  const alone = found.every((type) => type === first);
  return alone && all("record", "interface", "array", "map", "function") ? first : dynamic;
}

function merged(records: readonly RecordType[]): Type {
  const [first, ...others] = records;
  const fields = new Map(first!.fields);
  for (const { fields: more } of others) {
    for (const [name, { type }] of more) {
      const known = fields.get(name);
      fields.set(name, { type: known ? dynamic : type, optional: !known });
    }
    for (const [name, { type }] of fields) {
      if (!more.has(name)) fields.set(name, { type, optional: true });
    }
  }
  return { kind: "record", fields, foreign: true, open: true };
}
