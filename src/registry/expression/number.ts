/**
 * Numbers of expressions: integers of 64 bits, which wrap around, and floats. They have the form that Lua values have:
 * see `LuaValue`.
 * @module
 */
import { LuaFloat } from "../../vm/value.ts";

export type Integer = number | bigint;
export type Numeric = Integer | LuaFloat;

export function isInteger(value: unknown): value is Integer {
  return typeof value === "bigint" ||
    (typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0));
}

export function isNumber(value: unknown): value is Numeric {
  return typeof value === "number" || typeof value === "bigint" || value instanceof LuaFloat;
}

/** The value of a number, as a float. */
export function floatOf(value: Numeric): number {
  return value instanceof LuaFloat ? value.value : Number(value);
}

/** A float of an expression. */
export function asFloat(value: number): Numeric {
  return Number.isSafeInteger(value) ? new LuaFloat(value) : value;
}

/** An integer of 64 bits; what is beyond them wraps around. */
export function asInteger(value: bigint): Integer {
  const wrapped = BigInt.asIntN(64, value);
  const short = Number(wrapped);
  return Number.isSafeInteger(short) ? short : wrapped;
}

/** The integer that a float holds, without its fraction; undefined for one beyond 64 bits. */
export function truncated(value: number): Integer | undefined {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) return whole + 0;
  return Math.abs(whole) < 2 ** 63 ? asInteger(BigInt(whole)) : undefined;
}

type Operator = "+" | "-" | "*";

const short: Record<Operator, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
};

const long: Record<Operator, (a: bigint, b: bigint) => bigint> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
};

/** The sum, difference or product: an integer when both are. */
export function calculate(operator: Operator, a: Numeric, b: Numeric): Numeric {
  if (!isInteger(a) || !isInteger(b)) return asFloat(short[operator](floatOf(a), floatOf(b)));
  if (typeof a === "number" && typeof b === "number") {
    const result = short[operator](a, b);
    if (Number.isSafeInteger(result)) return result + 0;
  }
  return asInteger(long[operator](BigInt(a), BigInt(b)));
}

/** What is left of an integer division, with the sign of the dividend; undefined for a division by zero. */
export function remainder(a: Integer, b: Integer): Integer | undefined {
  if (BigInt(b) === 0n) return undefined;
  if (typeof a === "number" && typeof b === "number") return a % b + 0;
  return asInteger(BigInt(a) % BigInt(b));
}

export function negated(value: Numeric): Numeric {
  return isInteger(value) ? calculate("-", 0, value) : asFloat(-floatOf(value));
}

/** Negative, zero or positive, as `a` is less than, equal to or greater than `b`; NaN where one is. */
export function compareNumbers(a: Numeric, b: Numeric): number {
  if (isInteger(a) && isInteger(b)) return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [floatOf(a), floatOf(b)];
  return x < y ? -1 : x > y ? 1 : x === y ? 0 : NaN;
}

/** A float as Go's `%v` writes it. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e21)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return String(value);
}

const prefixes: Readonly<Record<string, number>> = { x: 16, o: 8, b: 2 };

/** A number as an expression writes it; undefined for an integer that does not fit 64 bits. */
export function readNumber(text: string): Numeric | undefined {
  const digits = text.replaceAll("_", "");
  const prefixed = prefixes[digits[1]?.toLowerCase() ?? ""] !== undefined;
  if (!prefixed && /[.eE]/.test(digits)) return asFloat(Number(digits));
  const value = BigInt(digits.toLowerCase());
  return value < 2n ** 63n ? asInteger(value) : undefined;
}
