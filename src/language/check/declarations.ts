import type { Tree } from "../tree.ts";
import { alone, type Library } from "./library.ts";
import { TypeNames } from "./resolve.ts";
import { dynamic, expand, type Type } from "./types.ts";

/**
 * What a module gives, by its declarations: the type of the module's own name is what `require` returns. `any` and what
 * may be nil are not known rather than what they say, so that code without annotations is free to know better.
 *
 * @param module other modules, whose types the declarations mention
 * @param open whether the module has more members than those declared
 */
export function declaredLibrary(
  name: string,
  tree: Tree,
  module: (name: string) => Library | undefined = alone.module,
  open = false,
): Library {
  const names = new TypeNames(
    undefined,
    () => dynamic,
    (from, _, type) => ({
      kind: "named",
      name: `${from}.${type}`,
      // Modules may mention each other.
      get: () => module(from)?.type(type) ?? dynamic,
    }),
    name,
  ).inside(tree.body);
  const declared = new Set(tree.types.map((type) => type.name));
  const value = () => {
    const type = declared.has(name) ? closed(expand(names.find(name) ?? dynamic)) : dynamic;
    return type.kind === "record" ? { ...type, name, open } : type;
  };
  let made: Type | undefined;
  return {
    get value() {
      return made ??= value();
    },
    typeNames: () => [...declared].filter((type) => type !== name),
    type: (type) => type !== name && declared.has(type) ? names.find(type) : undefined,
  };
}

/** Tables of a module cannot be changed: they have the members that are declared, and no others. */
function closed(type: Type): Type {
  if (type.kind !== "record") return type;
  const fields = [...type.fields].map(([name, field]) =>
    [name, { ...field, type: closed(field.type) }] as const
  );
  return { kind: "record", fields: new Map(fields) };
}
