/**
 * Fields of definition files, from the JSON Schema of the kinds.
 * @module
 */
import { definitionSchema, type JsonSchema } from "../registry/json-schema.ts";
import { kinds } from "../registry/kinds.ts";

/** A field that may stand at a place. */
export interface Field {
  name: string;
  /** Its type in a few words: `"a" | "b"`, `number`. */
  shown: string;
  text: string;
  /** Values that may be written, where there are few. */
  values: string[];
}

let definitions: Record<string, JsonSchema> | undefined;

function schemaOf(kind: string): JsonSchema | undefined {
  definitions ??= definitionSchema()["definitions"] as Record<string, JsonSchema>;
  return kinds.has(kind) ? definitions[kind] : undefined;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  const all = [schema["anyOf"], schema["oneOf"], schema["allOf"]].flat().filter(isSchema);
  return [schema, ...all.flatMap(alternatives)];
}

/** The schemas below a schema, one step down. */
function step(schema: JsonSchema, key: string | number): JsonSchema[] {
  return alternatives(schema).flatMap(({ properties, items, additionalProperties }) => {
    if (typeof key === "number") return isSchema(items) ? [items] : [];
    const named = isSchema(properties) ? properties[key] : undefined;
    if (isSchema(named)) return [named];
    return isSchema(additionalProperties) ? [additionalProperties] : [];
  });
}

function schemasAt(kind: string, path: readonly (string | number)[]): JsonSchema[] {
  const root = schemaOf(kind);
  let found = root ? [root] : [];
  for (const key of path) found = found.flatMap((schema) => step(schema, key));
  return found;
}

function valuesOf(schemas: readonly JsonSchema[]): string[] {
  const values = schemas.flatMap(alternatives).flatMap(({ enum: words, const: only, type }) =>
    Array.isArray(words)
      ? words
      : only !== undefined
      ? [only]
      : type === "boolean"
      ? [true, false]
      : []
  );
  return [...new Set(values.map(String))];
}

function shownOf(schemas: readonly JsonSchema[]): string {
  const all = schemas.flatMap(alternatives);
  const words = valuesOf(schemas.filter(({ type }) => type !== "boolean"));
  const types = new Set(all.flatMap(({ type }) => typeof type === "string" ? [type] : []));
  if (words.length > 0 && words.length <= 8 && !types.has("boolean")) {
    return words.map((word) => `"${word}"`).join(" | ");
  }
  return [...types].join(" | ") || "any value";
}

function fieldOf(name: string, schemas: readonly JsonSchema[]): Field {
  const all = schemas.flatMap(alternatives);
  const described = all.find(({ description }) => typeof description === "string");
  const fallback = all.find((each) => each["default"] !== undefined)?.["default"];
  const text = [
    typeof described?.["description"] === "string" ? described["description"] : "",
    fallback === undefined ? "" : `Default: \`${JSON.stringify(fallback)}\``,
  ].filter((line) => line !== "").join("\n\n");
  return { name, shown: shownOf(schemas), text, values: valuesOf(schemas) };
}

/** Fields of every entry, besides those of its kind. */
const common: readonly Field[] = [
  { name: "name", shown: "string", text: "The entry's name in its namespace.", values: [] },
  { name: "kind", shown: "string", text: "What the entry is.", values: [] },
  { name: "meta", shown: "object", text: "What is said of the entry: comment, tags.", values: [] },
];

/** The fields that may stand at a path of an entry. */
export function fieldsAt(kind: string, path: readonly (string | number)[]): Field[] {
  const found = new Map<string, JsonSchema[]>();
  for (const { properties } of schemasAt(kind, path).flatMap(alternatives)) {
    if (!isSchema(properties)) continue;
    for (const [name, schema] of Object.entries(properties)) {
      if (isSchema(schema)) found.set(name, [...found.get(name) ?? [], schema]);
    }
  }
  const own = [...found].map(([name, schemas]) => fieldOf(name, schemas));
  return path.length === 0 ? [...common, ...own] : own;
}

/** The field at a path of an entry. */
export function fieldSchema(kind: string, path: readonly (string | number)[]): Field | undefined {
  const name = path.at(-1);
  if (name === undefined) return undefined;
  const plain = path.length === 1 ? common.find((field) => field.name === name) : undefined;
  if (plain) return plain;
  const schemas = schemasAt(kind, path);
  return schemas.length === 0 ? undefined : fieldOf(String(name), schemas);
}

/** A kind in Markdown: its fields. */
export function kindSummary(kind: string): string {
  if (!kinds.has(kind)) return `\`${kind}\` is no kind of entry`;
  const names = fieldsAt(kind, []).map(({ name }) => name).filter((name) =>
    !common.some((field) => field.name === name)
  );
  const fields = names.map((name) => `\`${name}\``).join(", ");
  return `**${kind}**${names.length === 0 ? "" : `\n\nFields: ${fields}`}`;
}
