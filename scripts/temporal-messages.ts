/**
 * Makes `build/temporal-messages.js`, which writes and reads those messages of `@temporalio/proto` that this program
 * uses: `scripts/bun scripts/temporal-messages.ts`. The package itself keeps the description of
 * all messages in memory and compiles from it; that takes 40 MB and a tenth of a second.
 * @module
 */
import { google, temporal } from "@temporalio/proto";
import { writeIndex } from "../src/operations/make-index.ts";
import { methods } from "../src/workflows/providers/temporal/messages/methods.ts";

/** The used part of protobuf.js's description of a message. */
interface MessageType {
  name: string;
  fullName: string;
  fieldsArray: Field[];
}

interface Field {
  name: string;
  id: number;
  type: string;
  repeated: boolean;
  map: boolean;
  keyType?: string;
  partOf: unknown;
  resolvedType: MessageType | EnumType | null;
  resolve(): void;
}

interface EnumType {
  values: Record<string, number>;
}

/** Names of functions of wire.ts by types of fields, and the wire type. */
const scalars: Readonly<Record<string, readonly [put: string, get: string, wire: number]>> = {
  int32: ["putNumber", "number", 0],
  int64: ["putNumber", "number", 0],
  uint32: ["putNumber", "number", 0],
  bool: ["putBool", "bool", 0],
  float: ["putFloat", "float", 5],
  double: ["putDouble", "double", 1],
  string: ["putText", "text", 2],
  bytes: ["putBytes", "bytes", 2],
};

const defaults: Readonly<Record<string, string>> = {
  bool: "false",
  string: '""',
  bytes: "none",
};

const { common, enums, errordetails, history, operatorservice, update, workflowservice } =
  temporal.api;

const services = workflowservice.v1 as object as Record<string, MessageType>;
const operator = operatorservice.v1 as object as Record<string, MessageType>;

const upper = (name: string) => name[0]!.toUpperCase() + name.slice(1);

/** All messages of a namespace. */
function messagesOf(namespace: object): MessageType[] {
  return Object.values(namespace as Record<string, Partial<MessageType>>)
    .filter((found): found is MessageType => Array.isArray(found?.fieldsArray));
}

/** What is used by name, beside what its fields have. */
const roots = [
  ...methods.flatMap((name) => [
    services[`${upper(name)}Request`]!,
    services[`${upper(name)}Response`]!,
  ]),
  operator["AddSearchAttributesRequest"]!,
  ...messagesOf(errordetails.v1),
  ...messagesOf(update.v1),
  ...[common.v1.Payload, google.rpc.Status, google.protobuf.Int64Value, history.v1.History]
    .map((type) => type as object as MessageType),
];

/** Numbers of messages, in the order in which they are met. */
const numbers = new Map<MessageType, number>();

function meet(type: MessageType): void {
  if (numbers.has(type)) return;
  numbers.set(type, numbers.size);
  for (const field of type.fieldsArray) {
    field.resolve();
    const { resolvedType } = field;
    if (resolvedType && "fieldsArray" in resolvedType) meet(resolvedType);
  }
}

/** The part of a field that a message has once, or often. */
function scalarOf({ type, resolvedType }: Field): readonly [string, string, number] | undefined {
  if (resolvedType && "values" in resolvedType) return scalars["int32"];
  return resolvedType ? undefined : known(type);
}

function known(type: string): readonly [string, string, number] {
  const scalar = scalars[type];
  if (!scalar) throw new Error(`fields of type ${type} are not written here`);
  return scalar;
}

const numberOf = (field: Field) => numbers.get(field.resolvedType as MessageType)!;

/** The statements that write a value `of` a field, with its tag. */
function putOf(field: Field, of: string, id = field.id): string {
  const scalar = scalarOf(field);
  const tag = `putNumber(${id << 3 | (scalar?.[2] ?? 2)});`;
  return scalar
    ? `${tag} ${scalar[0]}(${of});`
    : `${tag} const o = open(); put${numberOf(field)}(${of}); close(o);`;
}

function getOf(field: Field): string {
  return scalarOf(field)?.[1] ?? `get${numberOf(field)}`;
}

function get(field: Field): string {
  return scalarOf(field) ? `${getOf(field)}()` : `${getOf(field)}(limit())`;
}

function writerOf(field: Field): string {
  const of = `m.${field.name}`;
  if (field.map) {
    const [put, , wire] = known(field.keyType!);
    const key = field.keyType === "string" ? "k" : "Number(k)";
    return `if (${of}) for (const k of Object.keys(${of})) { putNumber(${field.id << 3 | 2}); ` +
      `const e = open(); putNumber(${1 << 3 | wire}); ${put}(${key}); ` +
      `{ ${putOf(field, `${of}[k]`, 2)} } close(e); }`;
  }
  const scalar = scalarOf(field);
  if (field.repeated) {
    if (scalar && scalar[2] !== 2) {
      return `if (${of}?.length) { putNumber(${field.id << 3 | 2}); const o = open(); ` +
        `for (const v of ${of}) ${scalar[0]}(v); close(o); }`;
    }
    return `if (${of}) for (const v of ${of}) { ${putOf(field, "v")} }`;
  }
  if (!scalar) return `if (${of}) { ${putOf(field, of)} }`;
  // A choice between fields, or one that may be absent, is told by what the message itself has.
  return field.partOf
    ? `if (${of} != null && own(m, "${field.name}")) { ${putOf(field, of)} }`
    : `if (${of}${field.type === "bytes" ? "?.length" : ""}) { ${putOf(field, of)} }`;
}

function readerOf(field: Field): string {
  const of = `m.${field.name}`;
  const wire = (scalarOf(field)?.[2] ?? 2) as number;
  const tag = (type: number) => `case ${field.id << 3 | type}:`;
  if (field.map) {
    const key = known(field.keyType!);
    const empty = field.resolvedType ? `get${numberOf(field)}(0)` : defaultOf(field.type);
    return `${tag(2)} { if (${of} === empty) ${of} = {}; const e = limit(); ` +
      `let k = ${field.keyType === "string" ? '""' : "0"}, v; ` +
      `while (more(e)) { const t = number(); if (t === ${1 << 3 | key[2]}) k = ${key[1]}(); ` +
      `else if (t === ${2 << 3 | wire}) v = ${get(field)}; else skip(t); } ` +
      `${of}[k] = v === undefined ? ${empty} : v; break; }`;
  }
  if (!field.repeated) return `${tag(wire)} ${of} = ${get(field)}; break;`;
  const begin = `if (${of} === list) ${of} = [];`;
  const one = `${tag(wire)} ${begin} ${of}.push(${get(field)}); break;`;
  if (wire === 2) return one;
  return `${one} ${tag(2)} { ${begin} const e = limit(); ` +
    `while (more(e)) ${of}.push(${get(field)}); break; }`;
}

function defaultOf(type: string): string {
  return defaults[type] ?? "0";
}

/** What a message has whose field is absent. */
function absent(field: Field): string {
  if (field.map) return "empty";
  if (field.repeated) return "list";
  if (field.resolvedType && "fieldsArray" in field.resolvedType) return "null";
  return field.resolvedType ? "0" : defaultOf(field.type);
}

function definition(type: MessageType, number: number): string {
  const { fieldsArray: fields } = type;
  return `function T${number}(p) { if (p) Object.assign(this, p); }
T${number}.prototype = { constructor: T${number}, ${
    fields.map((field) => `${field.name}: ${absent(field)}`).join(", ")
  } };
function put${number}(m) {
${fields.map((field) => `  ${writerOf(field)}\n`).join("")}}
function get${number}(l) {
  const m = new T${number}();
  while (more(l)) {
    const t = number();
    switch (t) {
${fields.map((field) => `      ${readerOf(field)}\n`).join("")}      default: skip(t);
    }
  }
  return m;
}
codec(T${number}, put${number}, get${number});
`;
}

/** Types of a message's fields for those who read histories as JSON. */
function description(type: MessageType, number: number): string {
  const fields = type.fieldsArray.map((field) => {
    const { resolvedType: inner } = field;
    const rule = field.map ? "map" : field.repeated ? "list" : "one";
    const kind = !inner
      ? JSON.stringify(field.type)
      : "values" in inner
      ? enumOf(inner)
      : `T${numberOf(field)}`;
    return `${field.name}: ["${rule}", ${kind}]`;
  });
  return `T${number}.typeName = ${JSON.stringify(type.fullName.slice(1))};\n` +
    `T${number}.fields = () => ({ ${fields.join(", ")} });\n`;
}

const allEnums = Object.entries(enums.v1 as object as Record<string, unknown>)
  .filter((entry): entry is [string, Record<string, number>] =>
    /^[A-Z]/.test(entry[0]) && typeof entry[1] === "object" && entry[1] !== null
  );

/** Its name where it is one of `temporal.api.enums.v1`, else its values. */
function enumOf({ values }: EnumType): string {
  const [first] = Object.keys(values);
  const found = allEnums.find(([, known]) => first! in known);
  return found ? `enums.${found[0]}` : JSON.stringify(values);
}

/** Messages as nested objects, by their full names; those that belong to another are left out. */
function tree(): string {
  const root: Record<string, object> = {};
  for (const [{ fullName }, number] of numbers) {
    const path = fullName.slice(1).split(".");
    if (/^[A-Z]/.test(path.at(-2)!)) continue;
    let place = root as Record<string, unknown>;
    for (const part of path.slice(0, -1)) place = (place[part] ??= {}) as Record<string, unknown>;
    place[path.at(-1)!] = `T${number}`;
  }
  const text = (node: unknown): string =>
    typeof node === "string"
      ? node
      : `{ ${
        Object.entries(node as object).map(([name, inner]) => `${name}: ${text(inner)}`).join(", ")
      } }`;
  const { temporal: own, google: common } = root as Record<string, Record<string, object>>;
  const named = own!["api"] as Record<string, object>;
  named["enums"] = { v1: "enums" };
  return `export const temporal = ${text(own)};\nexport const google = ${text(common)};\n`;
}

for (const root of roots) meet(root);
const ofHistories = new Set<MessageType>();
function describe(type: MessageType): void {
  if (ofHistories.has(type)) return;
  ofHistories.add(type);
  for (const { resolvedType } of type.fieldsArray) {
    if (resolvedType && "fieldsArray" in resolvedType) describe(resolvedType);
  }
}
describe(history.v1.History as object as MessageType);

const enumText = allEnums.map(([name, values]) => {
  const pairs = Object.entries(values).filter(([, value]) => typeof value === "number");
  return `  ${name}: { ${pairs.map(([key, value]) => `${key}: ${value}`).join(", ")} },\n`;
});

writeIndex(
  "temporal-messages.js",
  `import { bool, bytes, close, double, float, limit, message, more, number, open, putBool, putBytes,
  putDouble, putFloat, putNumber, putText, reading, skip, text,
} from "../src/workflows/providers/temporal/messages/wire.ts";
const list = Object.freeze([]);
const empty = Object.freeze({});
const none = new Uint8Array();
const own = Object.hasOwn;
export const long = (value) => value;
function codec(type, put, get) {
  type.create = (fields) => new type(fields);
  type.encode = (value) => ({ finish: () => message(() => put(value)) });
  type.decode = (given) => reading(given, get);
}
const enums = {
${enumText.join("")}};
${[...numbers].map(([type, number]) => definition(type, number)).join("")}${
    [...ofHistories].map((type) => description(type, numbers.get(type)!)).join("")
  }${tree()}`,
);
