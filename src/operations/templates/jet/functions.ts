import { isInteger } from "../../../registry/expression/number.ts";
import { isMap, mapOf, toLua, type Value } from "../../../registry/expression/value.ts";
import { writeJson } from "../../json/write.ts";
import { LimitError, longestText, Refusal } from "./failure.ts";
import {
  escapeHtml,
  escapeJs,
  Integers,
  isPlain,
  JetFunction,
  jetTypeName,
  type JetValue,
  printed,
  Written,
} from "./values.ts";

function text(name: string, value: JetValue | undefined): string {
  if (typeof value === "string") return value;
  throw new Refusal(`${name} expects a string, not ${jetTypeName(value ?? null)}`);
}

function integer(name: string, value: JetValue | undefined): number {
  if (value !== undefined && isInteger(value)) return Number(value);
  throw new Refusal(`${name} expects an integer, not ${jetTypeName(value ?? null)}`);
}

function plain(name: string, value: JetValue | undefined): Value {
  if (value === undefined) throw new Refusal(`${name} needs more arguments`);
  if (isPlain(value)) return value;
  throw new Refusal(`${name} cannot take a ${jetTypeName(value)}`);
}

/** A function of texts alone. */
function texts(name: string, count: number, work: (...given: string[]) => JetValue): JetFunction {
  return new JetFunction(name, (given) => {
    if (given.length !== count) throw new Refusal(`${name} takes ${count} arguments`);
    return work(...given.map((value) => text(name, value)));
  });
}

/** A function that writes its arguments with an escape of its own. */
function writer(name: string, escape: (value: string) => string): JetFunction {
  return new JetFunction(
    name,
    (given) => new Written(given.map((value) => escape(printed(value))).join("")),
  );
}

function lengthOf(value: JetValue | undefined): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof Map) return value.size;
  if (value !== undefined && isPlain(value) && isMap(value)) return Object.keys(value).length;
  throw new Refusal(`len of a ${jetTypeName(value ?? null)}`);
}

function jsonText(value: JetValue | undefined): string {
  const plainValue = toLua(plain("json", value));
  return writeJson(plainValue, new Set());
}

function repeated(given: readonly JetValue[]): string {
  const [subject, count] = [text("repeat", given[0]), integer("repeat", given[1])];
  if (count < 0) throw new Refusal("repeat expects a count of 0 or more");
  if (subject.length * count > longestText) throw new LimitError("repeat makes more than 16 MiB");
  return subject.repeat(count);
}

function replaced(given: readonly JetValue[]): string {
  const [subject, old, by] = [0, 1, 2].map((i) => text("replace", given[i])) as [
    string,
    string,
    string,
  ];
  const most = given[3] === undefined ? -1 : integer("replace", given[3]);
  const parts = old === "" ? [...subject] : subject.split(old);
  const count = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1);
  if (subject.length + count * by.length > longestText) {
    throw new LimitError("replace makes more than 16 MiB");
  }
  return parts.slice(0, count + 1).join(by) +
    parts.slice(count + 1).map((part) => old + part).join("");
}

function mapped(given: readonly JetValue[]): Value {
  if (given.length % 2 !== 0) throw new Refusal("map expects keys and values in turn");
  const pairs: [string, Value][] = [];
  for (let i = 0; i < given.length; i += 2) {
    pairs.push([text("map", given[i]), plain("map", given[i + 1])]);
  }
  return mapOf(pairs);
}

const list = (given: readonly JetValue[]) => given.map((value) => plain("slice", value));

const functions: readonly JetFunction[] = [
  texts("lower", 1, (value) => value!.toLowerCase()),
  texts("upper", 1, (value) => value!.toUpperCase()),
  texts("hasPrefix", 2, (value, part) => value!.startsWith(part!)),
  texts("hasSuffix", 2, (value, part) => value!.endsWith(part!)),
  texts("split", 2, (value, part) => value!.split(part!)),
  texts("trimSpace", 1, (value) => value!.trim()),
  texts("html", 1, (value) => escapeHtml(value!)),
  texts("url", 1, (value) =>
    encodeURIComponent(value!).replace(/%20/g, "+").replace(
      /[!'()*]/g,
      (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
    )),
  new JetFunction("repeat", repeated),
  new JetFunction("replace", replaced),
  new JetFunction("len", ([value]) => lengthOf(value)),
  new JetFunction("json", ([value]) => jsonText(value)),
  new JetFunction("writeJson", ([value]) => new Written(jsonText(value))),
  new JetFunction("map", mapped),
  new JetFunction("slice", list),
  new JetFunction("array", list),
  new JetFunction("ints", ([from, to]) => {
    const range = new Integers(integer("ints", from), integer("ints", to));
    if (range.to <= range.from) throw new Refusal("ints expects a lower and a higher integer");
    return range;
  }),
  writer("raw", (value) => value),
  writer("unsafe", (value) => value),
  writer("safeHtml", escapeHtml),
  writer("safeJs", escapeJs),
];

/** The functions that every template has, by name. */
export const builtins: ReadonlyMap<string, JetFunction> = new Map(
  functions.map((each) => [each.name, each]),
);
