/**
 * The builtins: how many arguments each takes, of which types, and what it returns. Their work is in `builtins.ts` and,
 * for those with predicates, in `predicates.ts`.
 * @module
 */

/** What is known of a value before it is there. */
export type Type =
  | "unknown"
  | "nil"
  | "bool"
  | "int"
  | "float"
  | "string"
  | "array"
  | "map"
  | "time"
  | "duration";

/** Arguments that a parameter accepts; `any` accepts all. */
type Parameter = "any" | readonly Type[];

interface Signature {
  parameters: readonly Parameter[];
  /** Parameters at the end that may be absent. @default 0 */
  optional?: number;
  /** Any number of arguments, each like the last parameter. */
  more?: boolean;
  returns: Type;
  /** The second argument is a predicate; whether it must yield a boolean. */
  predicate?: "bool" | "any";
}

const any = "any";
const array: Parameter = ["array", "map"];
const text: Parameter = ["string"];
const integer: Parameter = ["int"];
const number: Parameter = ["int", "float"];

const both = { parameters: [integer, integer], returns: "int" } as const;
const padded = { parameters: [text, text], optional: 1, returns: "string" } as const;
const cut = { parameters: [text, text, integer], optional: 1, returns: "array" } as const;
const prefix = { parameters: [text, text], returns: "bool" } as const;
const found = { parameters: [text, text], returns: "int" } as const;
const rounded = { parameters: [number], returns: "float" } as const;
const test = { parameters: [array, any], predicate: "bool", returns: "bool" } as const;
const search = { parameters: [array, any], predicate: "bool", returns: "unknown" } as const;
const place = { parameters: [array, any], predicate: "bool", returns: "int" } as const;
const several = { parameters: [["int", "float", "array"]], more: true } as const;

const signatures: Readonly<Record<string, Signature>> = {
  all: test,
  none: test,
  any: test,
  one: test,
  filter: { parameters: [array, any], predicate: "bool", returns: "array" },
  map: { parameters: [array, any], predicate: "any", returns: "array" },
  find: search,
  findLast: search,
  findIndex: place,
  findLastIndex: place,
  count: { parameters: [array, any], optional: 1, predicate: "bool", returns: "int" },
  sum: { parameters: [array, any], optional: 1, predicate: "any", returns: "unknown" },
  groupBy: { parameters: [array, any], predicate: "any", returns: "map" },
  sortBy: { parameters: [array, any, text], optional: 1, predicate: "any", returns: "array" },
  reduce: { parameters: [array, any, any], optional: 1, predicate: "any", returns: "unknown" },
  len: { parameters: [["array", "map", "string"]], returns: "int" },
  type: { parameters: [any], returns: "string" },
  abs: { parameters: [number], returns: "unknown" },
  ceil: rounded,
  floor: rounded,
  round: rounded,
  int: { parameters: [["int", "float", "string"]], returns: "int" },
  float: { parameters: [["int", "float", "string"]], returns: "float" },
  string: { parameters: [any], returns: "string" },
  trim: padded,
  trimPrefix: padded,
  trimSuffix: padded,
  upper: { parameters: [text], returns: "string" },
  lower: { parameters: [text], returns: "string" },
  split: cut,
  splitAfter: cut,
  replace: { parameters: [text, text, text, integer], optional: 1, returns: "string" },
  repeat: { parameters: [text, integer], returns: "string" },
  join: { parameters: [array, text], optional: 1, returns: "string" },
  indexOf: found,
  lastIndexOf: found,
  hasPrefix: prefix,
  hasSuffix: prefix,
  max: { ...several, returns: "unknown" },
  min: { ...several, returns: "unknown" },
  mean: { ...several, returns: "float" },
  median: { ...several, returns: "float" },
  toJSON: { parameters: [any], returns: "string" },
  fromJSON: { parameters: [text], returns: "unknown" },
  toBase64: { parameters: [text], returns: "string" },
  fromBase64: { parameters: [text], returns: "string" },
  now: { parameters: [], returns: "time" },
  duration: { parameters: [text], returns: "duration" },
  date: { parameters: [text, text, text], optional: 2, returns: "time" },
  first: { parameters: [array], returns: "unknown" },
  last: { parameters: [array], returns: "unknown" },
  get: { parameters: [any, any], returns: "unknown" },
  take: { parameters: [array, integer], returns: "array" },
  keys: { parameters: [["map"]], returns: "array" },
  values: { parameters: [["map"]], returns: "array" },
  toPairs: { parameters: [["map"]], returns: "array" },
  fromPairs: { parameters: [array], returns: "map" },
  reverse: { parameters: [array], returns: "array" },
  uniq: { parameters: [array], returns: "array" },
  concat: { parameters: [array], more: true, returns: "array" },
  flatten: { parameters: [array], returns: "array" },
  sort: { parameters: [array, text], optional: 1, returns: "array" },
  bitand: both,
  bitor: both,
  bitxor: both,
  bitnand: both,
  bitshl: both,
  bitshr: both,
  bitushr: both,
  bitnot: { parameters: [integer], returns: "int" },
};

/** The signature of a builtin; undefined for a name that is none. */
export function signatureOf(name: string): Signature | undefined {
  return Object.hasOwn(signatures, name) ? signatures[name] : undefined;
}

/** The least and the most arguments of a builtin; undefined for a name that is none. */
export function argumentCounts(name: string): [number, number] | undefined {
  const signature = signatureOf(name);
  if (!signature) return undefined;
  const { parameters, optional = 0, more } = signature;
  return [parameters.length - optional, more ? Infinity : parameters.length];
}

/** Whether the second argument of a builtin is a predicate. */
export function predicated(name: string): boolean {
  return signatureOf(name)?.predicate !== undefined;
}
