/**
 * JSON of values that are Lua's: whole numbers keep their 64 bits, and what nests too deep is refused
 * before it is read.
 * @module
 */
import { WippyError } from "./error.ts";
import { envelope, valueLimits } from "./limits.ts";
import type { LuaValue } from "./value.ts";

const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/** Keeps integers that a number cannot hold; `beyond` says what becomes of those that 64 bits cannot hold either. */
function keepIntegers(
  value: unknown,
  source: string | undefined,
  beyond: (value: number, source: string) => unknown,
): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  if (!Number.isFinite(value)) {
    const message = `the number ${source} is larger than any that can be held`;
    throw new WippyError("Invalid", message, {
      retryable: false,
      details: { limit: "number", maximum: Number.MAX_VALUE },
    });
  }
  if (source === undefined || !/^-?\d+$/.test(source)) return value;
  const integer = BigInt(source);
  if (integer >= smallest && integer <= largest) return integer;
  return beyond(value, source);
}

function refuse(_value: number, source: string): never {
  throw new WippyError(
    "Invalid",
    `the integer ${source} does not fit 64 bits; write ${source}.0 for a float that is near it`,
    { retryable: false, details: { limit: "bits", maximum: 64 } },
  );
}

function parse(text: string, beyond: (value: number, source: string) => unknown): LuaValue {
  // The reviver makes parsing many times slower and only matters where there are that many digits,
  // or so large an exponent.
  if (!/\d{16}|[eE]\+?\d{3}/.test(text)) return JSON.parse(text);
  return JSON.parse(
    text,
    (_key, value: unknown, context?: { source?: string }) =>
      keepIntegers(value, context?.source, beyond),
  );
}

/**
 * Parses JSON; whole numbers that a number cannot hold are bigints.
 *
 * @throws SyntaxError as `JSON.parse`
 * @throws WippyError Invalid: an integer beyond 64 bits, or a number that is larger than any
 */
export function parseExact(text: string): LuaValue {
  return parse(text, refuse);
}

/**
 * The same for data that a program asks for as numbers: whole numbers beyond 64 bits are floats, as Lua reads them.
 *
 * @throws SyntaxError as `JSON.parse`
 * @throws WippyError Invalid: a number that is larger than any
 */
export function parseNumbers(text: string): LuaValue {
  return parse(text, (value: number) => value);
}

/**
 * Parses JSON that comes from outside.
 *
 * @param what the text in words, such as "the body"
 * @throws WippyError Invalid: what is wrong with it
 */
export function readForeignJson(text: string, what: string): LuaValue {
  const most = valueLimits.depth + envelope.depth;
  if (nestsDeeper(text, most)) {
    throw new WippyError("Invalid", `${what} nests deeper than ${valueLimits.depth} levels`, {
      retryable: false,
      details: { limit: "depth", maximum: valueLimits.depth },
    });
  }
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof WippyError) throw error;
    throw new WippyError("Invalid", `${what} is not JSON: ${(error as Error).message}`, {
      retryable: false,
    });
  }
}

/** Whether brackets of a text nest deeper than so many levels: a parser would run out of stack. */
export function nestsDeeper(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // A string, to its end.
        for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) {
          if (text.charCodeAt(at) === 0x5c) at++;
        }
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > most) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
    }
  }
  return false;
}

/**
 * A number as `JSON.stringify` is to write it: a float with as many digits as an integer keeps its
 * point, or it would be read as one.
 */
export function writable(value: number): unknown {
  if (!Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 1e21) {
    return value;
  }
  return JSON.rawJSON(`${value}.0`);
}

/** The same for readers that know numbers by their value alone: all digits, and no point. */
export function digits(value: number): unknown {
  const written = writable(value);
  return typeof written === "number" ? written : JSON.rawJSON(String(BigInt(value)));
}

/** JSON text in which bigints are numbers, digit by digit. */
export function writeExact(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return JSON.rawJSON(String(part));
    return typeof part === "number" ? writable(part) : part;
  });
}
