import { digits, nestsDeeper, parseNumbers } from "../../vm/json.ts";
import { LuaFloat } from "../../vm/value.ts";
import { DurationValue, TimeValue } from "./clock-value.ts";
import {
  asFloat,
  asInteger,
  calculate,
  compareNumbers,
  floatOf,
  type Integer,
  isInteger,
  isNumber,
  negated,
  type Numeric,
  truncated,
} from "./number.ts";
import { listOf, sorted } from "./predicates.ts";
import { ExpressionError, type Place } from "./source.ts";
import type { State } from "./state.ts";
import {
  equal,
  fromLua,
  isMap,
  itemOf,
  mapOf,
  pairsOf,
  textOf,
  typeName,
  type Value,
} from "./value.ts";

/** A builtin without a predicate. Its arguments are as many as its signature says. */
type Builtin = (state: State, given: readonly Value[], place: Place) => Value;

function wrong(name: string, value: Value, place: Place): ExpressionError {
  return new ExpressionError(`invalid argument for ${name} (type ${typeName(value)})`, place);
}

function text(name: string, value: Value | undefined, place: Place): string {
  if (typeof value === "string") return value;
  throw wrong(name, value ?? null, place);
}

function number(name: string, value: Value | undefined, place: Place): Numeric {
  if (isNumber(value)) return value;
  throw wrong(name, value ?? null, place);
}

function integer(name: string, value: Value | undefined, place: Place): Integer {
  if (isInteger(value)) return value;
  throw wrong(name, value ?? null, place);
}

/** A builtin of texts, whose result is counted. */
function texts(name: string, work: (...given: string[]) => Value): Builtin {
  return (state, given, place) => {
    const result = work(...given.map((each) => text(name, each, place)));
    if (typeof result === "string") state.characters(result.length, place);
    return result;
  };
}

function rounded(name: string, work: (value: number) => number): Builtin {
  return (_state, [value], place) => asFloat(work(floatOf(number(name, value, place))));
}

function bits(name: string, work: (a: bigint, b: bigint) => bigint): Builtin {
  return (_state, [a, b], place) =>
    asInteger(work(BigInt(integer(name, a, place)), BigInt(integer(name, b, place))));
}

/** A shift, by no less than nothing; beyond 64 bits all are gone. */
function shifted(name: string, work: (a: bigint, b: bigint) => bigint): Builtin {
  return (_state, [a, b], place) => {
    const count = BigInt(integer(name, b, place));
    if (count < 0n) throw new ExpressionError("negative shift count", place);
    return asInteger(work(BigInt(integer(name, a, place)), count > 64n ? 64n : count));
  };
}

/** All numbers of the arguments, those in arrays too. */
function numbersOf(name: string, given: readonly Value[], state: State, place: Place): Numeric[] {
  const found: Numeric[] = [];
  for (const each of given) {
    if (Array.isArray(each)) {
      state.step(place, each.length);
      for (const item of numbersOf(name, each, state, place)) found.push(item);
    } else found.push(number(name, each, place));
  }
  return found;
}

function best(name: string, better: (order: number) => boolean): Builtin {
  return (state, given, place) => {
    const [first, ...others] = numbersOf(name, given, state, place);
    if (first === undefined) throw new ExpressionError(`${name} of an empty array`, place);
    return others.reduce((kept, each) => (better(compareNumbers(each, kept)) ? each : kept), first);
  };
}

function trimmed(value: string, set: string | undefined): string {
  if (set === undefined) return value.trim();
  const signs = new Set(set);
  const list = [...value];
  let [from, to] = [0, list.length];
  while (from < to && signs.has(list[from]!)) from++;
  while (to > from && signs.has(list[to - 1]!)) to--;
  return list.slice(from, to).join("");
}

/** Splits a text as Go's `strings.SplitN` does, the separators kept at the ends of the parts when `after`. */
function parted(value: string, separator: string, most: number, after: boolean): string[] {
  if (most === 0) return [];
  const parts = separator === "" ? [...value] : value.split(separator);
  const glue = separator;
  const end = after ? separator : "";
  const cut = most > 0 && parts.length > most
    ? [...parts.slice(0, most - 1), parts.slice(most - 1).join(glue)]
    : parts;
  return cut.map((part, index) => (index < cut.length - 1 ? part + end : part));
}

function split(name: string, after: boolean): Builtin {
  return (state, [value, separator, most], place) => {
    const subject = text(name, value, place);
    const count = most === undefined ? -1 : Number(integer(name, most, place));
    state.step(place, subject.length);
    const parts = parted(subject, text(name, separator, place), count, after);
    state.items(parts.length, place);
    return parts;
  };
}

function replaced(value: string, old: string, by: string, most: number): string {
  if (most < 0 && old !== "") return value.replaceAll(old, () => by);
  const parts = old === "" ? ["", ...value, ""] : value.split(old);
  if (value === "" && old === "") parts.pop();
  let result = parts[0] ?? "";
  parts.slice(1).forEach((part, index) => {
    result += (most < 0 || index < most ? by : old) + part;
  });
  return result;
}

/** A value as JSON means it: maps sorted by key, times and durations as in Go. */
function jsonOf(value: Value): unknown {
  if (typeof value === "bigint") return JSON.rawJSON(String(value));
  if (typeof value === "number") {
    if (Number.isFinite(value)) return digits(value);
    throw new ExpressionError(`json: unsupported value: ${textOf(value)}`);
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof LuaFloat) return digits(value.value);
  if (value instanceof TimeValue) return value.text();
  if (value instanceof DurationValue) return jsonOf(value.ns);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (!isMap(value)) return textOf(value);
  const made: Record<string, unknown> = Object.create(null);
  for (const [key, item] of pairsOf(value)) made[textOf(key)] = jsonOf(item);
  return made;
}

function fromJson(source: string, place: Place): Value {
  try {
    if (nestsDeeper(source, 100)) throw new Error("nests too deep");
    return fromLua(parseNumbers(source));
  } catch (error) {
    throw new ExpressionError(`invalid JSON: ${(error as Error).message}`, place);
  }
}

function lengthOf(value: Value, place: Place): number {
  if (typeof value === "string") {
    let count = 0;
    for (const _character of value) count++;
    return count;
  }
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof Map) return value.size;
  if (isMap(value)) return Object.keys(value).length;
  throw wrong("len", value, place);
}

function mapArgument(name: string, value: Value | undefined, place: Place): [Value, Value][] {
  if (value !== undefined && isMap(value)) return pairsOf(value);
  throw wrong(name, value ?? null, place);
}

function flattened(list: readonly Value[], into: Value[], depth: number, place: Place): Value[] {
  if (depth > 128) throw new ExpressionError("flatten: arrays nest too deep", place);
  for (const item of list) {
    if (Array.isArray(item)) flattened(item, into, depth + 1, place);
    else into.push(item);
  }
  return into;
}

function unique(state: State, list: readonly Value[], place: Place): Value[] {
  const scalars = new Set<unknown>();
  const objects: Value[] = [];
  return list.filter((item) => {
    if (typeof item === "object" && item !== null && !(item instanceof LuaFloat)) {
      state.step(place, objects.length + 1);
      if (objects.some((other) => equal(other, item))) return false;
      objects.push(item);
      return true;
    }
    const key = isNumber(item) ? Number(floatOf(item)) : item;
    if (scalars.has(key)) return false;
    scalars.add(key);
    return true;
  });
}

/** A builtin whose result is a new array. */
function listed(work: (state: State, given: readonly Value[], place: Place) => Value[]): Builtin {
  return (state, given, place) => {
    const result = work(state, given, place);
    state.items(result.length, place);
    return result;
  };
}

const unsigned = (value: bigint) => BigInt.asUintN(64, value);

/** The builtins without predicates, by name. */
export const builtins: Readonly<Record<string, Builtin>> = {
  len: (_state, [value], place) => lengthOf(value!, place),
  type: (_state, [value]) => typeName(value!),
  abs: (_state, [value], place) => {
    const found = number("abs", value, place);
    return floatOf(found) < 0 ? negated(found) : found;
  },
  ceil: rounded("ceil", Math.ceil),
  floor: rounded("floor", Math.floor),
  round: rounded("round", (value) => Math.sign(value) * Math.round(Math.abs(value))),
  int: (_state, [value], place) => {
    if (isInteger(value)) return value!;
    const digits = typeof value === "string" && /^[+-]?\d+$/.test(value)
      ? BigInt(value)
      : undefined;
    const found = digits !== undefined
      ? (BigInt.asIntN(64, digits) === digits ? asInteger(digits) : undefined)
      : isNumber(value)
      ? truncated(floatOf(value))
      : undefined;
    if (found !== undefined) return found;
    throw new ExpressionError(`invalid operation: int(${textOf(value!)})`, place);
  },
  float: (_state, [value], place) => {
    if (isNumber(value)) return asFloat(floatOf(value));
    if (typeof value === "string" && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) {
      return asFloat(Number(value));
    }
    throw new ExpressionError(`invalid operation: float(${textOf(value!)})`, place);
  },
  string: (state, [value], place) => {
    const result = textOf(value!);
    state.characters(result.length, place);
    return result;
  },
  trim: texts("trim", (value, set) => trimmed(value!, set)),
  trimPrefix: texts(
    "trimPrefix",
    (value, prefix = " ") => (value!.startsWith(prefix) ? value!.slice(prefix.length) : value!),
  ),
  trimSuffix: texts(
    "trimSuffix",
    (value, suffix = " ") =>
      suffix !== "" && value!.endsWith(suffix) ? value!.slice(0, -suffix.length) : value!,
  ),
  upper: texts("upper", (value) => value!.toUpperCase()),
  lower: texts("lower", (value) => value!.toLowerCase()),
  split: split("split", false),
  splitAfter: split("splitAfter", true),
  replace: (state, [value, old, by, most], place) => {
    const [subject, from, to] = [value, old, by].map((each) => text("replace", each, place)) as [
      string,
      string,
      string,
    ];
    const count = most === undefined ? -1 : Number(integer("replace", most, place));
    const times = from === "" ? subject.length + 1 : subject.split(from).length - 1;
    state.characters(subject.length + times * to.length, place);
    return replaced(subject, from, to, count);
  },
  repeat: (state, [value, times], place) => {
    const subject = text("repeat", value, place);
    const count = Number(integer("repeat", times, place));
    if (count < 0) throw new ExpressionError(`invalid argument for repeat: ${count}`, place);
    state.items(count, place);
    state.characters(subject.length * count, place);
    return subject.repeat(count);
  },
  join: (state, [value, separator], place) => {
    const parts = listOf(value!, "join", place).map((each) => text("join", each, place));
    const glue = separator === undefined ? "" : text("join", separator, place);
    const length = parts.reduce((sum, part) => sum + part.length + glue.length, 0);
    state.characters(length, place);
    return parts.join(glue);
  },
  indexOf: texts("indexOf", (value, part) => byteIndex(value!, value!.indexOf(part!))),
  lastIndexOf: texts("lastIndexOf", (value, part) => byteIndex(value!, value!.lastIndexOf(part!))),
  hasPrefix: texts("hasPrefix", (value, part) => value!.startsWith(part!)),
  hasSuffix: texts("hasSuffix", (value, part) => value!.endsWith(part!)),
  max: best("max", (found) => found > 0),
  min: best("min", (found) => found < 0),
  mean: (state, given, place) => {
    const found = numbersOf("mean", given, state, place);
    if (found.length === 0) return asFloat(0);
    const total = found.reduce((sum, each) => calculate("+", sum, each), 0);
    return asFloat(floatOf(total) / found.length);
  },
  median: (state, given, place) => {
    const found = numbersOf("median", given, state, place).map(floatOf).sort((a, b) => a - b);
    if (found.length === 0) return asFloat(0);
    const middle = found.length >> 1;
    return asFloat(
      found.length % 2 === 1 ? found[middle]! : (found[middle - 1]! + found[middle]!) / 2,
    );
  },
  toJSON: (state, [value], place) => {
    const result = JSON.stringify(jsonOf(value!), null, 2).replace(
      /[<>&\u2028\u2029]/g,
      (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    state.characters(result.length, place);
    return result;
  },
  fromJSON: (state, [value], place) => {
    const source = text("fromJSON", value, place);
    state.step(place, source.length);
    return fromJson(source, place);
  },
  toBase64: texts("toBase64", (value) => Buffer.from(value!).toString("base64")),
  fromBase64: (state, [value], place) => {
    const source = text("fromBase64", value, place);
    if (source.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(source)) {
      throw new ExpressionError("illegal base64 data", place);
    }
    state.characters(source.length, place);
    const bytes = Buffer.from(source, "base64");
    const decoded = bytes.toString();
    return Buffer.from(decoded).equals(bytes) ? decoded : new Uint8Array(bytes);
  },
  now: (state) => new TimeValue(state.now),
  duration: (_state, [value], place) => {
    const source = text("duration", value, place);
    const found = DurationValue.parse(source);
    if (found) return found;
    throw new ExpressionError(`invalid duration ${JSON.stringify(source)}`, place);
  },
  date: (_state, [value, layout, zone], place) => {
    const source = text("date", value, place);
    const [form, name] = [layout, zone].map((each) =>
      each === undefined ? undefined : text("date", each, place)
    );
    try {
      const found = TimeValue.parse(source, form, name ?? "UTC");
      if (found) return found;
    } catch {
      throw new ExpressionError(`unknown time zone ${name}`, place);
    }
    throw new ExpressionError(`invalid date ${source}`, place);
  },
  first: (_state, [value], place) => listOf(value!, "first", place)[0] ?? null,
  last: (_state, [value], place) => listOf(value!, "last", place).at(-1) ?? null,
  get: (_state, [value, key]) => {
    if (Array.isArray(value)) return isInteger(key) ? value.at(Number(key)) ?? null : null;
    return value !== undefined && isMap(value) ? itemOf(value, key!) ?? null : null;
  },
  take: listed((_state, [value, count], place) => {
    const wanted = Number(integer("take", count, place));
    if (wanted < 0) throw new ExpressionError("cannot take a negative number of items", place);
    return listOf(value!, "take", place).slice(0, wanted);
  }),
  keys: listed((_state, [value], place) => mapArgument("keys", value, place).map(([key]) => key)),
  values: listed((_state, [value], place) =>
    mapArgument("values", value, place).map(([, item]) => item)
  ),
  toPairs: listed((_state, [value], place) =>
    mapArgument("toPairs", value, place).map(([key, item]) => [key, item])
  ),
  fromPairs: (state, [value], place) => {
    const pairs = listOf(value!, "fromPairs", place);
    state.items(pairs.length, place);
    return mapOf(pairs.map((pair) => {
      if (Array.isArray(pair) && pair.length === 2) return [pair[0]!, pair[1]!] as const;
      throw new ExpressionError("invalid pair: an array of a key and a value is expected", place);
    }));
  },
  reverse: listed((_state, [value], place) => listOf(value!, "reverse", place).toReversed()),
  uniq: listed((state, [value], place) => unique(state, listOf(value!, "uniq", place), place)),
  concat: listed((_state, given, place) => given.flatMap((each) => listOf(each, "concat", place))),
  flatten: listed((_state, [value], place) =>
    flattened(listOf(value!, "flatten", place), [], 0, place)
  ),
  sort: listed((state, [value, direction], place) => {
    const list = listOf(value!, "sort", place);
    state.step(place, list.length * Math.ceil(Math.log2(list.length + 1)));
    return sorted(list.map((each) => [each, each]), direction, place);
  }),
  bitand: bits("bitand", (a, b) => a & b),
  bitor: bits("bitor", (a, b) => a | b),
  bitxor: bits("bitxor", (a, b) => a ^ b),
  bitnand: bits("bitnand", (a, b) => a & ~b),
  bitnot: (_state, [value], place) => asInteger(~BigInt(integer("bitnot", value, place))),
  bitshl: shifted("bitshl", (a, b) => a << b),
  bitshr: shifted("bitshr", (a, b) => a >> b),
  bitushr: shifted("bitushr", (a, b) => unsigned(a) >> b),
};

/** A place in a text in bytes of UTF-8. */
function byteIndex(value: string, index: number): number {
  return index < 0 ? -1 : Buffer.byteLength(value.slice(0, index));
}
