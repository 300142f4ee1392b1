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

/** Parts of a path that is known: each part of `a.b.c` is looked up by its whole path. */
const longestPath = 32;

/**
 * The path of `a.b[c]`, by which facts know it; undefined for other expressions, and for paths of very many parts. The
 * path of a part is a part of the path, and no other path is.
 */
export function pathOf(expression: Expression, most = longestPath): string | undefined {
  if (most === 0) return undefined;
  switch (expression.kind) {
    case "Name":
      return expression.local ? `<${numberOf(expression.local)}>` : `<g:${expression.name}>`;
    case "Member": {
      const object = pathOf(expression.object, most - 1);
      return object && `${object}.${expression.name};`;
    }
    case "Index": {
      const object = pathOf(expression.object, most - 1);
      const key = object && keyOf(expression.key);
      return key && `${object}${key}`;
    }
    case "Paren":
      return pathOf(expression.inner, most - 1);
    default:
      return undefined;
  }
}

/** The part of a path that a key in brackets is. */
function keyOf(key: Expression): string | undefined {
  if (key.kind === "String") {
    return /^\w+$/.test(key.value)
      ? `.${key.value};`
      : `[${JSON.stringify(key.value).replaceAll("<", "\\u003c")}]`;
  }
  const operand = operandOf(key);
  return operand && `[${operand}]`;
}

/** Keys that are computed of names and literals have paths as well. */
function operandOf(key: Expression): string | undefined {
  if (key.kind === "Number") return key.text;
  if (key.kind === "Paren") return operandOf(key.inner);
  if (key.kind === "Unary") {
    const operand = operandOf(key.operand);
    return operand && `${key.operator} ${operand}`;
  }
  if (key.kind !== "Binary") return pathOf(key);
  const left = operandOf(key.left);
  const right = left && operandOf(key.right);
  return right && `(${left} ${key.operator} ${right})`;
}

/** Forgets all about a path and what it is a part of. */
export function forget(facts: Facts, path: string): void {
  for (const known of facts.keys()) if (known.includes(path)) facts.delete(known);
}

/** Where facts keep that the code has asked for the length of a table. */
export function lengthOf(path: string): string {
  return `#${path}`;
}

/** The tables whose lengths an expression is made of, by their paths. */
export function measuredIn(expression: Expression, depth = 0): string[] {
  if (depth > 8) return [];
  const inner = (each: Expression) => measuredIn(each, depth + 1);
  switch (expression.kind) {
    case "Unary": {
      const path = expression.operator === "#" ? pathOf(expression.operand) : undefined;
      return path === undefined ? inner(expression.operand) : [path];
    }
    case "Binary":
      return [...inner(expression.left), ...inner(expression.right)];
    case "Paren":
      return inner(expression.inner);
    case "Call":
      return expression.args.flatMap(inner);
    case "Name": {
      const { local } = expression;
      return local?.value && !local.assigned ? inner(local.value) : [];
    }
    default:
      return [];
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
