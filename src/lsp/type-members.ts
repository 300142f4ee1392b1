/**
 * What a type has, as editors show it: fields, methods and their signatures.
 * @module
 */
import type { Signature } from "../language/members.ts";
import {
  expand,
  type FunctionShape,
  parametersOf,
  resultsOf,
  textOf,
  type Type,
  widen,
} from "../language/check/types.ts";
import { documentationOf } from "./documentation.ts";
import { documented, type Meaning } from "./member.ts";

/** The type of which the fields are shown: that of a value that may be nil is that of the value. */
function shownOf(type: Type): Type {
  if (type.kind === "maybe") return shownOf(type.inner);
  if (type.kind === "named") return shownOf(type.get());
  if (type.kind === "union") {
    const rest = type.members.filter(({ kind }) => kind !== "nil");
    if (rest.length === 1) return shownOf(rest[0]!);
  }
  return expand(widen(type));
}

const ofTypeValues: readonly (readonly [name: string, signature: string, text: string])[] = [
  [
    "is",
    "is(v): (any, error?)",
    "Whether a value is of the type: the value and nil, or nil and an error.",
  ],
  ["kind", "kind(): string", "What kind of type it is."],
  ["name", "name(): string?", "The name that it was declared with."],
  ["elem", "elem()", "The type of the elements of an array."],
  ["key", "key()", "The type of the keys of a map."],
  ["val", "val()", "The type of the values of a map."],
  ["inner", "inner()", "What an optional type is when it is not nil."],
  ["ret", "ret()", "The result of a function type."],
  ["fields", "fields()", "Iterates over the fields of a record: name, type."],
  ["variants", "variants()", "Iterates over the members of a union."],
  ["params", "params()", "Iterates over the parameters of a function type."],
  ["tparams", "tparams()", "Iterates over the parameters of a generic type: name, bound."],
];

/** What a type has as a value. */
export function typeValueMembers(): Meaning[] {
  return ofTypeValues.map(([name, label, text]): Meaning => {
    const parameters = name === "is" ? ["v"] : [];
    return { name, kind: "method", signature: { label, parameters }, shown: label, text };
  });
}

/** The name that a type was declared with; undefined for others, and for unions of several. */
export function nameOf(type: Type): string | undefined {
  const found = shownOf(type);
  return found.kind === "record" || found.kind === "interface" ? found.name : undefined;
}

/** @param name with its owner, where it has one */
function signatureOf(name: string, shape: FunctionShape): Signature {
  const parameters = parametersOf(shape);
  if (shape.method) parameters.shift();
  const results = shape.results?.length ? `: ${resultsOf(shape)}` : "";
  return { label: `${name}(${parameters.join(", ")})${results}`, parameters };
}

/** A value that is a function by its type alone. */
export function functionMeaning(name: string, type: Type): Meaning | undefined {
  const found = shownOf(type);
  if (found.kind !== "function") return undefined;
  const signature = signatureOf(name, found);
  return { name, kind: "function", signature, shown: signature.label, text: "" };
}

/** A type that a module declares. */
export function typeMeaning(name: string, type: Type): Meaning {
  const members = membersOfType(type);
  const lines = members.map(({ shown }) => `  ${shown}`);
  const found = shownOf(type);
  const shown = lines.length === 0
    ? `type ${name} = ${textOf(found)}`
    : found.kind === "interface"
    ? `interface ${name}\n${lines.join("\n")}\nend`
    : `type ${name} = {\n${lines.map((line) => `${line},`).join("\n")}\n}`;
  return { name, kind: "type", shown, text: "", members: () => members };
}

/** What the page of a module says of a member of it, or of a method of its objects. */
function textFor(module: string | undefined, owner: string, name: string): string {
  const pages = module === undefined ? undefined : documentationOf(module);
  const written = pages &&
    (owner === module ? pages.members : pages.methods).find((each) => each.name === name);
  return written?.text ?? "";
}

function distinct(meanings: readonly Meaning[]): Meaning[] {
  return [...new Map(meanings.map((meaning) => [meaning.name, meaning])).values()];
}

/** The fields of a type; the functions of strings for a text. @param module the module that declares it */
export function membersOfType(type: Type, owner?: string, module?: string): Meaning[] {
  const found = shownOf(type);
  if (found.kind === "string") {
    const strings = documentationOf("string")?.members ?? [];
    return strings.map((member) => documented(member, "method"));
  }
  if (found.kind === "error") {
    return (documentationOf("errors")?.methods ?? []).map((method) => documented(method, "method"));
  }
  if (found.kind === "intersection") {
    return distinct(found.members.flatMap((member) => membersOfType(member, owner, module)));
  }
  if (found.kind === "union") {
    // What all of them have that are not nil.
    const [first, ...others] = found.members
      .filter((member) => expand(member).kind !== "nil")
      .map((member) => membersOfType(member, owner, module));
    return first?.filter(({ name }) =>
      others.every((other) => other.some((member) => member.name === name))
    ) ?? [];
  }
  if (found.kind !== "record" && found.kind !== "interface") return [];
  const from = found.kind === "interface" ? found.module : module;
  const own = owner ?? found.name ?? "";
  return [...found.fields].map(([name, { type, optional }]): Meaning => {
    const field = shownOf(type);
    const text = textFor(from, own, name);
    if (field.kind === "function") {
      const signature = signatureOf(`${own}${field.method ? ":" : "."}${name}`, field);
      const kind = field.method ? "method" : "function";
      return { name, kind, signature, shown: signature.label, text };
    }
    return {
      name,
      kind: "field",
      shown: `${name}${optional ? "?" : ""}: ${textOf(type)}`,
      text,
      members: () => membersOfType(type, `${own}.${name}`, from),
    };
  });
}
