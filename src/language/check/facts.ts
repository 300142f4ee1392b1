import type { Binding, Expression } from "../tree.ts";
import { type Type, union } from "./types.ts";

/** What is known at a place, besides declarations: types by path. */
export type Facts = Map<string, Type>;

const numbers = new WeakMap<Binding, number>();
let last = 0;

function numberOf(binding: Binding): number {
  let number = numbers.get(binding);
  if (number === undefined) numbers.set(binding, number = ++last);
  return number;
}

/** The path of `a.b.c`, by which facts know it; undefined for other expressions. */
export function pathOf(expression: Expression): string | undefined {
  switch (expression.kind) {
    case "Name":
      return expression.local ? `${numberOf(expression.local)}` : `g:${expression.name}`;
    case "Member": {
      const object = pathOf(expression.object);
      return object && `${object}.${expression.name}`;
    }
    case "Index": {
      const object = pathOf(expression.object);
      return object && expression.key.kind === "String"
        ? `${object}.${expression.key.value}`
        : undefined;
    }
    case "Paren":
      return pathOf(expression.inner);
    default:
      return undefined;
  }
}

/** Forgets all about a path and what is below it. */
export function forget(facts: Facts, path: string): void {
  for (const known of facts.keys()) {
    if (known === path || known.startsWith(`${path}.`)) facts.delete(known);
  }
}

/** What holds behind branches that meet; undefined when none of them goes on. */
export function join(branches: readonly Facts[]): Facts | undefined {
  const [first, ...others] = branches;
  if (!first || others.length === 0) return first;
  const joined: Facts = new Map();
  for (const [path, type] of first) {
    const types = others.map((facts) => facts.get(path));
    if (types.every((other) => other !== undefined)) joined.set(path, union([type, ...types]));
  }
  return joined;
}
