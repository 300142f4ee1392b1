/**
 * What the type parameters of a function stand for in one call of it.
 * @module
 */
import type { TypeNode } from "../tree.ts";
import { dynamic, expand, fits, type Type, withoutNil } from "./types.ts";

/** Finds type arguments by comparing what is declared with what is given. */
export class TypeArguments {
  readonly #found = new Map<string, Type>();

  /**
   * @param names the type parameters
   * @param declared the declaration that the name of a generic type has
   */
  constructor(
    readonly names: ReadonlySet<string>,
    readonly declared: (name: string) => object | undefined,
  ) {}

  /** The type that a parameter stands for; not known where nothing shows it, or where arguments differ. */
  of(name: string): Type {
    return this.#found.get(name) ?? dynamic;
  }

  #add(name: string, type: Type): void {
    const before = this.#found.get(name);
    if (!before || fits(before, type)) this.#found.set(name, type);
    else if (!fits(type, before)) this.#found.set(name, dynamic);
  }

  /** Takes over what a value shows that is given where a type is declared. */
  compare(node: TypeNode, given: Type, depth = 0): void {
    const type = expand(given);
    if (type.kind === "dynamic" || depth > 8) return;
    const next = depth + 1;
    switch (node.kind) {
      case "TypeName":
        if (node.module === undefined && this.names.has(node.name)) this.#add(node.name, given);
        else if (given.kind === "named" && given.generic?.of === this.declared(node.name)) {
          const { args } = given.generic!;
          node.args.forEach((arg, index) => this.compare(arg, args[index] ?? dynamic, next));
        }
        return;
      case "Optional":
        return this.compare(node.inner, withoutNil(given), next);
      case "Readonly":
        return this.compare(node.inner, given, next);
      case "Validated":
        return this.compare(node.base, given, next);
      case "Array":
        if (type.kind === "array") this.compare(node.element, type.element, next);
        return;
      case "Map":
        if (type.kind !== "map") return;
        this.compare(node.key, type.key, next);
        return this.compare(node.value, type.value, next);
      case "Record":
        if (type.kind !== "record") return;
        for (const field of node.fields) {
          const own = type.fields.get(field.name);
          if (own) this.compare(field.type, own.type, next);
        }
        return;
      case "FunctionType": {
        if (type.kind !== "function") return;
        node.parameters.forEach((parameter, index) =>
          this.compare(parameter.type, type.params[index] ?? dynamic, next)
        );
        const results = type.results ?? type.shown ?? [];
        node.results?.forEach((result, index) =>
          this.compare(result, results[index] ?? dynamic, next)
        );
      }
    }
  }
}

/** Whether a type has a place that takes one type alone: what is only inferred may be narrower than what is meant. */
export function isInvariant(node: TypeNode): boolean {
  switch (node.kind) {
    case "TypeName":
      return node.args.length > 0;
    case "Map":
      return true;
    case "Optional":
    case "Readonly":
      return isInvariant(node.inner);
    case "Array":
      return isInvariant(node.element);
    case "Validated":
      return isInvariant(node.base);
    case "Union":
    case "Intersection":
      return node.members.some(isInvariant);
    case "Record":
      return node.fields.some(({ type }) => isInvariant(type));
    default:
      return false;
  }
}
