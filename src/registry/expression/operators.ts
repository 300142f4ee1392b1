import type { RE2JS } from "re2js";
import { compilePattern } from "../pattern.ts";
import { DurationValue, TimeValue } from "./clock-value.ts";
import {
  asFloat,
  calculate,
  compareNumbers,
  floatOf,
  isInteger,
  isNumber,
  type Numeric,
  remainder,
} from "./number.ts";
import { ExpressionError, type Place } from "./source.ts";
import type { State } from "./state.ts";
import type { BinaryOperator } from "./tree.ts";
import { equal, isMap, itemOf, typeName, type Value } from "./value.ts";

/** The result of an operator; undefined for operands that it is not defined on. */
type Operator = (a: Value, b: Value, state: State, place: Place) => Value | undefined;

function numbers(a: Value, b: Value): [Numeric, Numeric] | undefined {
  return isNumber(a) && isNumber(b) ? [a, b] : undefined;
}

function texts(operate: (a: string, b: string) => boolean): Operator {
  return (a, b) => (typeof a === "string" && typeof b === "string" ? operate(a, b) : undefined);
}

/** How two values compare: negative, zero, positive; undefined for those without an order. */
export function order(a: Value, b: Value): number | undefined {
  const pair = numbers(a, b);
  if (pair) return compareNumbers(...pair);
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  const times = (a instanceof TimeValue && b instanceof TimeValue) ||
    (a instanceof DurationValue && b instanceof DurationValue);
  if (!times) return undefined;
  return a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0;
}

function ordered(holds: (order: number) => boolean): Operator {
  return (a, b) => {
    const found = order(a, b);
    return found === undefined ? undefined : holds(found);
  };
}

function arithmetic(operator: "+" | "-" | "*"): Operator {
  return (a, b, state, place) => {
    const pair = numbers(a, b);
    if (pair) return calculate(operator, ...pair);
    if (operator === "+" && typeof a === "string" && typeof b === "string") {
      state.characters(a.length + b.length, place);
      return a + b;
    }
    return timed(operator, a, b);
  };
}

function timed(operator: "+" | "-" | "*", a: Value, b: Value): Value | undefined {
  if (a instanceof TimeValue) {
    if (b instanceof TimeValue && operator === "-") return new DurationValue(a.ns - b.ns);
    if (b instanceof DurationValue && operator !== "*") {
      return a.add(operator === "+" ? BigInt(b.ns) : -BigInt(b.ns));
    }
    return undefined;
  }
  if (b instanceof TimeValue) {
    return a instanceof DurationValue && operator === "+" ? b.add(BigInt(a.ns)) : undefined;
  }
  if (a instanceof DurationValue && b instanceof DurationValue) {
    if (operator === "*") return undefined;
    const [x, y] = [BigInt(a.ns), BigInt(b.ns)];
    return new DurationValue(operator === "+" ? x + y : x - y);
  }
  if (operator !== "*") return undefined;
  const [span, factor] = a instanceof DurationValue ? [a, b] : [b, a];
  if (!(span instanceof DurationValue) || !isNumber(factor)) return undefined;
  if (isInteger(factor)) return new DurationValue(BigInt(span.ns) * BigInt(factor));
  const product = Math.trunc(Number(span.ns) * floatOf(factor));
  return Number.isFinite(product) ? new DurationValue(BigInt(product)) : undefined;
}

const compiled = new Map<string, RE2JS>();
const mostCompiled = 1000;

function pattern(text: string, place: Place): RE2JS {
  let found = compiled.get(text);
  if (found) return found;
  try {
    found = compilePattern(text);
  } catch (error) {
    throw new ExpressionError((error as Error).message, place);
  }
  if (compiled.size >= mostCompiled) compiled.clear();
  compiled.set(text, found);
  return found;
}

/** The operators that evaluate both sides. */
export const compute: Readonly<Record<Exclude<BinaryOperator, "and" | "or" | "??">, Operator>> = {
  "+": arithmetic("+"),
  "-": arithmetic("-"),
  "*": arithmetic("*"),
  "/": (a, b) => {
    const pair = numbers(a, b);
    return pair && asFloat(floatOf(pair[0]) / floatOf(pair[1]));
  },
  "**": (a, b) => {
    const pair = numbers(a, b);
    return pair && asFloat(floatOf(pair[0]) ** floatOf(pair[1]));
  },
  "%": (a, b, _state, place) => {
    if (!isInteger(a) || !isInteger(b)) return undefined;
    const result = remainder(a, b);
    if (result === undefined) throw new ExpressionError("integer divide by zero", place);
    return result;
  },
  "==": (a, b) => equal(a, b),
  "!=": (a, b) => !equal(a, b),
  "<": ordered((found) => found < 0),
  "<=": ordered((found) => found <= 0),
  ">": ordered((found) => found > 0),
  ">=": ordered((found) => found >= 0),
  "in": (a, b, state, place) => {
    if (b === null) return false;
    if (Array.isArray(b)) {
      state.step(place, b.length);
      return b.some((item) => equal(item, a));
    }
    if (isMap(b)) return itemOf(b, a) !== undefined;
    throw new ExpressionError(`operator "in" not defined on ${typeName(b)}`, place);
  },
  "contains": texts((a, b) => a.includes(b)),
  "startsWith": texts((a, b) => a.startsWith(b)),
  "endsWith": texts((a, b) => a.endsWith(b)),
  "matches": (a, b, state, place) => {
    if (typeof a !== "string" || typeof b !== "string") return undefined;
    state.step(place, a.length);
    return pattern(b, place).matcher(a).find();
  },
  "..": (a, b, state, place) => {
    if (!isInteger(a) || !isInteger(b)) return undefined;
    const count = BigInt(b) - BigInt(a) + 1n;
    if (count <= 0n) return [];
    state.items(Number(count), place);
    return Array.from({ length: Number(count) }, (_, i) => calculate("+", a, i));
  },
};
