/**
 * The JSON Schema of definition files, from the schemas of the kinds: for editors.
 * @module
 */
import type { Kind } from "./kind.ts";
import { kinds } from "./kinds.ts";
import { z } from "./schema.ts";

/** A JSON Schema, or a part of one. */
export type JsonSchema = Record<string, unknown>;

/** Editors of YAML know it best. */
const draft = "http://json-schema.org/draft-07/schema#";

/** What stands in the place of any value. */
const placeholder: JsonSchema = { type: "string", pattern: "\\$\\{" };

/** Whether a part takes texts of any form, or says nothing of them. */
function takesText({ type, enum: words, const: only, anyOf }: JsonSchema): boolean {
  if (words !== undefined || only !== undefined) return false;
  return anyOf !== undefined || type === undefined || type === "string" || type === "object" ||
    type === "array";
}

/** Lets a placeholder stand where a number, a truth value or one of a few words is wanted. */
function allowPlaceholder(part: JsonSchema): void {
  if (takesText(part)) return;
  const { default: fallback, description, ...own } = part;
  for (const name of Object.keys(own)) delete part[name];
  part["anyOf"] = [own, placeholder];
  Object.assign(
    part,
    fallback !== undefined && { default: fallback },
    description && { description },
  );
}

/** Fields that must be there may be named by their companions: `password_env` for `password`. */
function allowCompanions({ required, ...payload }: JsonSchema): JsonSchema {
  const names = (required ?? []) as string[];
  if (names.length === 0) return payload;
  const either = (name: string) => ({
    anyOf: [{ required: [name] }, { required: [`${name}_env`] }],
  });
  return { ...payload, allOf: names.map(either) };
}

function payloadOf(kind: Kind): JsonSchema {
  const { $schema: _, ...made } = z.toJSONSchema(kind.schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => allowPlaceholder(jsonSchema),
  });
  return allowCompanions(made);
}

/** The schema of a file such as `_index.yaml`. */
export function definitionSchema(): JsonSchema {
  const names = [...kinds.keys()].sort();
  const reference = (name: string) => ({ $ref: `#/definitions/${name}` });
  const entry: JsonSchema = {
    type: "object",
    required: ["name", "kind"],
    properties: {
      name: { type: "string", minLength: 1 },
      kind: { enum: names },
      meta: { type: "object" },
    },
    // The payload is below `data`, or beside the name.
    allOf: names.map((name) => ({
      if: { properties: { kind: { const: name } }, required: ["kind"] },
      then: {
        if: { required: ["data"] },
        then: { properties: { data: reference(name) } },
        else: reference(name),
      },
    })),
  };
  return {
    $schema: draft,
    title: "Definition file of Wippy",
    type: "object",
    required: ["namespace"],
    properties: {
      version: { type: ["string", "number"] },
      namespace: { type: "string", pattern: "^[^:]+$" },
      meta: { type: "object" },
    },
    // A file has a list of entries, or is one entry.
    if: { required: ["kind"] },
    then: reference("entry"),
    else: { properties: { entries: { type: "array", items: reference("entry") } } },
    definitions: {
      entry,
      ...Object.fromEntries([...kinds].map(([name, kind]) => [name, payloadOf(kind)])),
    },
  };
}
