/**
 * Descriptions of types, as the runtime builds type values from them.
 * @module
 */
import type { Binding, Expression, FunctionBody, RecordField, Tree, TypeNode } from "./tree.ts";
import { numeral } from "./type-parser.ts";

/** A literal of Lua: text is bytes, one per character. */
export type LiteralValue = string | number | bigint | boolean;

/** A type. Lists are empty rather than absent. */
export type Description =
  | { kind: "name"; name: string; args: Description[] }
  | { kind: "import"; module: string; name: string }
  | { kind: "literal"; value: LiteralValue }
  | { kind: "optional" | "array" | "keyof"; inner: Description }
  | { kind: "union" | "intersection" | "tuple"; members: Description[] }
  | { kind: "map"; key: Description; value: Description }
  | { kind: "record" | "interface"; fields: FieldDescription[] }
  | { kind: "function"; params: Description[]; vararg?: Description; results: Description[] }
  | { kind: "validated"; inner: Description; checks: { name: string; argument?: LiteralValue }[] }
  | { kind: "indexed"; inner: Description; index: Description }
  | { kind: "conditional"; parts: Description[] };

export interface FieldDescription {
  name: string;
  optional: boolean;
  type: Description;
}

/** A type that a chunk declares. */
export interface DeclaredType {
  name: string;
  /** Its parameters, where it is generic. */
  params: { name: string; bound?: Description }[];
  type: Description;
}

/** The types that a chunk declares at its top level; of several with one name the last. */
export function describeTypes({ types }: Pick<Tree, "types">): DeclaredType[] {
  const byName = new Map<string, DeclaredType>();
  for (const declared of types) {
    const { name } = declared;
    if (declared.kind === "TypeDeclaration") {
      const params = declared.parameters.map(({ name, bound }) => ({
        name,
        ...(bound && { bound: describe(bound) }),
      }));
      byName.set(name, { name, params, type: describe(declared.type) });
    } else {
      const bases = declared.extends.map((base): Description => named(base));
      const own: Description = { kind: "interface", fields: fields(declared.methods) };
      const type: Description = bases.length === 0
        ? own
        : { kind: "intersection", members: [...bases, own] };
      byName.set(name, { name, params: [], type });
    }
  }
  return [...byName.values()];
}

function named(name: string, args: Description[] = []): Description {
  return { kind: "name", name: aliases[name] ?? name, args };
}

const aliases: Readonly<Record<string, string>> = { bool: "boolean", int: "integer" };

function fields(list: readonly RecordField[]): FieldDescription[] {
  return list.map(({ name, optional, type }) => ({
    name,
    optional,
    type: type.kind === "Validated" ? validated(type) : describe(type),
  }));
}

function validated(type: Extract<TypeNode, { kind: "Validated" }>): Description {
  const checks = type.validators.map(({ name, argument }) => {
    const value = argument && literalOf(argument);
    return { name, ...(value !== undefined && { argument: value }) };
  });
  return { kind: "validated", inner: describe(type.base), checks };
}

/** Whether validators behind a type count: behind the others they count only where they end a field. */
function takesValidators(type: TypeNode): boolean {
  if (type.kind === "TypeName") return type.args.length === 0;
  return type.kind !== "Map" && type.kind !== "Record" && type.kind !== "FunctionType";
}

/** A description of what is written. */
export function describe(type: TypeNode): Description {
  switch (type.kind) {
    case "TypeName":
      if (type.module === undefined) return named(type.name, type.args.map(describe));
      return { kind: "import", module: requiredBy(type.local) ?? type.module, name: type.name };
    case "Literal":
      return { kind: "literal", value: type.value };
    case "Optional":
      return { kind: "optional", inner: describe(type.inner) };
    case "Union":
      return { kind: "union", members: type.members.map(describe) };
    case "Intersection":
      return { kind: "intersection", members: type.members.map(describe) };
    case "Tuple":
      return { kind: "tuple", members: type.members.map(describe) };
    case "Array":
      return { kind: "array", inner: describe(type.element) };
    case "Map":
      return { kind: "map", key: describe(type.key), value: describe(type.value) };
    case "Record":
      return { kind: "record", fields: fields(type.fields) };
    case "FunctionType": {
      const params = type.parameters.map((parameter) => describe(parameter.type));
      const vararg = type.vararg && describe(type.vararg);
      const results = (type.results ?? []).map(describe);
      return { kind: "function", params, ...(vararg && { vararg }), results };
    }
    case "Validated":
      return takesValidators(type.base) ? validated(type) : describe(type.base);
    case "Indexed":
      return { kind: "indexed", inner: describe(type.object), index: describe(type.index) };
    case "Typeof":
      return typeOf(type.expression, new Set());
    case "Keyof":
      return { kind: "keyof", inner: describe(type.type) };
    case "Asserts":
      return named("any");
    case "Conditional":
      return {
        kind: "conditional",
        parts: [type.left, type.right, type.then, type.otherwise].map(describe),
      };
    case "Readonly":
      return describe(type.inner);
    case "MissingType":
      return named("any");
  }
}

/** The name of the module that a local is bound to by `require`. */
export function requiredBy(binding: Binding | undefined): string | undefined {
  const call = binding?.value;
  if (call?.kind !== "Call" || call.callee.kind !== "Name") return undefined;
  const [name] = call.args;
  return call.callee.name === "require" && name?.kind === "String" ? name.value : undefined;
}

/** The value of an expression that is a literal. */
export function literalOf(expression: Expression): LiteralValue | undefined {
  switch (expression.kind) {
    case "String":
      return expression.value;
    case "Number":
      return numeral(expression.text);
    case "True":
    case "False":
      return expression.kind === "True";
    case "Paren":
      return literalOf(expression.inner);
    case "Unary": {
      const value = expression.operator === "-" ? literalOf(expression.operand) : undefined;
      return typeof value === "number" || typeof value === "bigint" ? -value : undefined;
    }
    default:
      return undefined;
  }
}

/** The type of an expression as its text shows it, wide: `any` where it shows nothing. */
function typeOf(expression: Expression, seen: Set<Binding>): Description {
  switch (expression.kind) {
    case "Nil":
      return named("nil");
    case "True":
    case "False":
      return named("boolean");
    case "String":
      return named("string");
    case "Number":
      return named(typeof numeral(expression.text) === "bigint" ? "integer" : "number");
    case "Cast":
      return describe(expression.type);
    case "Paren":
      return typeOf(expression.inner, seen);
    case "Function":
      return functionOf(expression);
    case "Table":
      return tableOf(expression.fields, seen);
    case "Unary":
      return expression.operator === "not" ? named("boolean") : typeOf(expression.operand, seen);
    case "Name": {
      const binding = expression.local;
      if (binding?.type) return describe(binding.type);
      if (!binding?.value || seen.has(binding)) return named("any");
      return typeOf(binding.value, new Set([...seen, binding]));
    }
    default:
      return named("any");
  }
}

function functionOf({ parameters, vararg, results }: FunctionBody): Description {
  return {
    kind: "function",
    params: parameters.map(({ type }) => type ? describe(type) : named("any")),
    ...(vararg && { vararg: vararg.type ? describe(vararg.type) : named("any") }),
    results: (results ?? []).map(describe),
  };
}

function tableOf(
  list: Extract<Expression, { kind: "Table" }>["fields"],
  seen: Set<Binding>,
): Description {
  const names = list.flatMap(({ key, value }) =>
    key?.kind === "String" ? [{ name: key.value, optional: false, type: typeOf(value, seen) }] : []
  );
  if (names.length === list.length) return { kind: "record", fields: names };
  const value = unionOf(list.map((field) => typeOf(field.value, seen)));
  if (list.every(({ key }) => key === undefined)) return { kind: "array", inner: value };
  const keys = list.map(({ key }) => key ? typeOf(key, seen) : named("integer"));
  return { kind: "map", key: unionOf(keys), value };
}

function unionOf(members: Description[]): Description {
  const distinct = new Map(
    members.map((
      member,
    ) => [
      JSON.stringify(member, (_, value) => typeof value === "bigint" ? `${value}n` : value),
      member,
    ]),
  );
  const [only, ...others] = distinct.values();
  return others.length === 0 ? only! : { kind: "union", members: [...distinct.values()] };
}
