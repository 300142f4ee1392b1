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

function signatureOf(owner: string, name: string, shape: FunctionShape): Signature {
  const parameters = parametersOf(shape);
  if (shape.method) parameters.shift();
  const results = shape.results?.length ? `: ${resultsOf(shape)}` : "";
  const mark = shape.method ? ":" : ".";
  return { label: `${owner}${mark}${name}(${parameters.join(", ")})${results}`, parameters };
}

/** What the page of a module says of a member of it, or of a method of its objects. */
function textFor(module: string | undefined, owner: string, name: string): string {
  const pages = module === undefined ? undefined : documentationOf(module);
  const written = pages &&
    (owner === module ? pages.members : pages.methods).find((each) => each.name === name);
  return written?.text ?? "";
}

/** The fields of a type; the functions of strings for a text. @param module the module that declares it */
export function membersOfType(type: Type, owner?: string, module?: string): Meaning[] {
  const found = shownOf(type);
  if (found.kind === "string") {
    const strings = documentationOf("string")?.members ?? [];
    return strings.map((member) => documented(member, "method"));
  }
  if (found.kind !== "record" && found.kind !== "interface") return [];
  const from = found.kind === "interface" ? found.module : module;
  const own = owner ?? found.name ?? "";
  return [...found.fields].map(([name, { type, optional }]): Meaning => {
    const field = shownOf(type);
    const text = textFor(from, own, name);
    if (field.kind === "function") {
      const signature = signatureOf(own, name, field);
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
