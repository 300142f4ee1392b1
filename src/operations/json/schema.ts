/**
 * Validation against JSON Schema, draft 2020-12. Ajv compiles a schema to JavaScript, so everything that a schema
 * could do beyond comparing values is bounded here: its size, the steps of a validation, and its patterns.
 * @module
 */
import type { Ajv, AnySchema, ErrorObject, KeywordCxt, ValidateFunction } from "ajv";
import { lazy } from "../../registry/lazy.ts";
import { compilePattern } from "../../registry/pattern.ts";
import { WippyError } from "../../vm/error.ts";
import { parseExact } from "../../vm/json.ts";
import { isTable, LuaFloat, type LuaValue } from "../../vm/value.ts";
import { scanJson } from "./scan.ts";
import { writeJson } from "./write.ts";

/** Limits of validation; the unit's worker does nothing else meanwhile. */
export const schemaLimits = {
  /** Characters of a schema's text. */
  text: 64 * 1024,
  /** Compiled schemas that are kept; the least recently used one goes first. */
  kept: 100,
  /** Keywords that one validation may evaluate, with the characters that patterns read. */
  steps: 5_000_000,
  /** Mismatches that an error lists. */
  errors: 20,
} as const;

/** A value as JSON knows it. */
interface PlainJson {
  value: unknown;
  /** An integer in it that a float cannot hold, if there is one. */
  large?: bigint;
}

const ajvModule = lazy(() => require("ajv/dist/2020") as typeof import("ajv/dist/2020"));
const code = lazy(() => require("ajv") as typeof import("ajv"));

/** Checks schemas themselves; made once, because its own schemas take 50 ms to compile. */
const metaSchema = lazy(() => {
  const { Ajv2020 } = ajvModule();
  return new Ajv2020({ strict: false, validateFormats: false, logger: false });
});

let steps = 0;

/** Counts what a validation does. */
function spend(count: number): void {
  steps += count;
  if (steps > schemaLimits.steps) {
    throw invalid(`the validation takes more than ${schemaLimits.steps} steps`);
  }
}

function invalid(message: string, details?: Record<string, LuaValue>): WippyError {
  return new WippyError("Invalid", message, {
    retryable: false,
    ...(details !== undefined && { details }),
  });
}

/** What Ajv uses in place of `RegExp`: RE2, whose time is linear. */
const linearPattern = Object.assign(
  (text: string) => {
    const compiled = compilePattern(text);
    return {
      test(value: string) {
        spend(value.length);
        return compiled.matcher(value).find();
      },
      // Ajv tells patterns apart by their text.
      toString: () => text,
    };
  },
  { code: "linearPattern" },
);

/** Whether all items differ; the objects' keys are sorted. Linear, where Ajv's own takes the square. */
function allDiffer(items: readonly unknown[]): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    const text = canonical(item);
    spend(1 + text.length / 16);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}

function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, part: unknown) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(
          Object.entries(part).sort(([left], [right]) => left < right ? -1 : 1),
        )
        : part,
  );
}

/** How many values a keyword compares with. */
function comparisons({ keyword, schema }: KeywordCxt): number {
  return keyword === "enum" || keyword === "const" ? 1 + JSON.stringify(schema).length / 16 : 1;
}

/** Has every keyword count a step before it is evaluated. */
function countSteps(ajv: Ajv): void {
  const { _ } = code();
  for (const rule of Object.values(ajv.RULES.all)) {
    if (typeof rule !== "object" || !("code" in rule.definition)) continue;
    const { definition } = rule;
    const evaluate = definition.code;
    if (evaluate === undefined) continue;
    definition.code = (context, ruleType) => {
      const counter = context.gen.scopeValue("func", { ref: spend });
      context.gen.code(_`${counter}(${comparisons(context)})`);
      evaluate(context, ruleType);
    };
  }
}

function makeAjv(): Ajv {
  const { Ajv2020 } = ajvModule();
  const ajv = new Ajv2020({
    strict: false,
    logger: false,
    validateSchema: false,
    // In draft 2020-12 a format is an annotation.
    validateFormats: false,
    inlineRefs: false,
    code: { regExp: linearPattern },
  });
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    validate: (wanted: boolean, items: readonly unknown[]) => !wanted || allDiffer(items),
    error: { message: "must not have equal items" },
  });
  countSteps(ajv);
  return ajv;
}

interface Compiled {
  validate: ValidateFunction;
  /** A keyword in it that cannot judge integers which a float cannot hold. */
  needsExact?: string;
}

const kept = new Map<string, Compiled>();

/** Compiles a schema, or takes the compiled one of the same text. */
function compiled(text: string): Compiled {
  const known = kept.get(text);
  kept.delete(text);
  const result = known ?? compile(text);
  kept.set(text, result);
  if (kept.size > schemaLimits.kept) kept.delete(kept.keys().next().value ?? "");
  return result;
}

function compile(text: string): Compiled {
  if (text.length > schemaLimits.text) {
    throw badSchema(`its text is longer than ${schemaLimits.text} characters`);
  }
  const { value: schema, large } = plain(parseWhole(text, badSchema));
  if (large !== undefined) throw badSchema(`the integer ${large} is beyond 2^53`);
  const isObject = typeof schema === "object" && schema !== null && !Array.isArray(schema);
  if (typeof schema !== "boolean" && !isObject) {
    throw badSchema("it must be an object, true or false");
  }
  // Names as they are, without escapes.
  const names = JSON.stringify(schema);
  if (names.includes('"$async"')) throw badSchema("$async is not a keyword of JSON Schema");
  // Ajv ignores it, and what a schema demands must not be ignored.
  if (names.includes('"__proto__"')) throw badSchema("__proto__ cannot be validated");
  try {
    const meta = metaSchema();
    if (meta.validateSchema(schema as AnySchema) !== true) {
      throw badSchema(describe(meta.errors?.[0]));
    }
    // One for each schema: what a schema declares with $id is not seen by another.
    const validate = makeAjv().compile(schema as AnySchema);
    const needsExact = /"(uniqueItems|multipleOf)"/.exec(names)?.[1];
    return { validate, ...(needsExact !== undefined && { needsExact }) };
  } catch (error) {
    if (error instanceof WippyError) throw error;
    if (error instanceof RangeError) throw badSchema("it is too large to be compiled");
    throw badSchema(error instanceof Error ? error.message : String(error));
  }
}

function badSchema(why: string): WippyError {
  return invalid(`invalid schema: ${why}`);
}

function describe(error: ErrorObject | undefined): string {
  if (error === undefined) return "it does not follow draft 2020-12";
  return `${error.instancePath === "" ? "" : `${error.instancePath}: `}${messageOf(error)}`;
}

function messageOf({ message, keyword, params }: ErrorObject): string {
  if (keyword === "additionalProperties" || keyword === "unevaluatedProperties") {
    const name = params["additionalProperty"] ?? params["unevaluatedProperty"];
    return `${message} (${JSON.stringify(name)})`;
  }
  if (keyword === "enum") return `${message}: ${JSON.stringify(params["allowedValues"])}`;
  if (keyword === "const") return `${message}: ${JSON.stringify(params["allowedValue"])}`;
  return message ?? keyword;
}

/** Turns what `parseExact` returns into what Ajv compares. */
function plain(given: LuaValue): PlainJson {
  let large: bigint | undefined;
  const convert = (value: LuaValue): unknown => {
    if (typeof value === "bigint") {
      large ??= value;
      return Number(value);
    }
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof LuaFloat) return value.value;
    if (Array.isArray(value)) return value.map(convert);
    const object = value as Record<string, LuaValue>;
    for (const key of Object.keys(object)) {
      // An own "__proto__" of parsed JSON cannot be assigned.
      Object.defineProperty(object, key, {
        value: convert(object[key]!),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return object;
  };
  const value = convert(given);
  return { value, ...(large !== undefined && { large }) };
}

/** Keywords whose value is data, not a schema. */
const dataKeywords = new Set(["const", "default", "enum", "examples"]);

/** JSON text of a schema that Lua code wrote; an empty table in it is an object where a schema may stand. */
function textOfSchema(schema: LuaValue, emptyObjects: LuaValue[]): string {
  const objects = new Set(emptyObjects);
  const visit = (value: LuaValue, key: string, parent: string): void => {
    if (typeof value !== "object" || value === null || dataKeywords.has(key)) return;
    if (Array.isArray(value)) { for (const item of value) visit(item, "", key); }
    else if (isTable(value)) {
      const entries = Object.entries(value);
      // An empty table comes as an object without keys.
      const isList = key === "required" || parent === "dependentRequired";
      if (entries.length === 0 && !isList) objects.add(value);
      for (const [name, item] of entries) visit(item as LuaValue, name, key);
    }
  };
  try {
    // First of all, because it refuses what nests without end.
    writeJson(schema, objects);
    visit(schema, "", "");
    return writeJson(schema, objects);
  } catch (error) {
    throw badSchema(WippyError.from(error).message);
  }
}

/** Reads the whole of a JSON text. @throws WippyError Invalid, with the line and column of the fault */
function parseWhole(text: string, fail: (why: string) => WippyError): LuaValue {
  try {
    const end = scanJson(text);
    if (text.slice(end).trim() !== "") throw fail("there is text behind the value");
    return parseExact(text);
  } catch (error) {
    if (error instanceof WippyError && error.kind === "Invalid") throw error;
    throw fail(WippyError.from(error).message);
  }
}

const badData = (why: string) => invalid(`the data is no JSON: ${why}`);

/**
 * Validates a value against a schema.
 *
 * @param schema JSON text, or a table
 * @param data the value, or with `asText` JSON text of it
 * @param emptyObjects empty tables in both that are objects
 * @throws WippyError Invalid: the schema is wrong or too large, or the value does not match (details: `errors`, a
 *   list of `{path, keyword, message}`)
 */
export function validateJson(
  schema: LuaValue,
  data: LuaValue,
  { asText, emptyObjects }: { asText: boolean; emptyObjects: LuaValue[] },
): void {
  if (data instanceof Uint8Array && asText) throw badData("it is not UTF-8 text");
  const { validate, needsExact } = compiled(
    typeof schema === "string" ? schema : textOfSchema(schema, emptyObjects),
  );
  let json = data as string;
  if (!asText) {
    try {
      json = writeJson(data, new Set(emptyObjects));
    } catch (error) {
      throw badData(WippyError.from(error).message);
    }
  }
  const { value, large } = plain(parseWhole(json, badData));
  if (large !== undefined && needsExact !== undefined) {
    throw invalid(`${needsExact} cannot judge the integer ${large}, which is beyond 2^53`);
  }
  steps = 0;
  let valid: boolean;
  try {
    valid = validate(value);
  } catch (error) {
    if (error instanceof WippyError) throw error;
    throw badSchema("it refers to itself without end");
  }
  if (!valid) throw mismatch(validate);
}

function mismatch(validate: ValidateFunction): WippyError {
  const errors = validate.errors ?? [];
  validate.errors = null;
  return invalid(`the data does not match the schema: ${describe(errors.at(-1))}`, {
    errors: errors.slice(0, schemaLimits.errors).map((error) => ({
      path: error.instancePath,
      keyword: error.keyword,
      message: messageOf(error),
    })),
  });
}
