/** A field that means nothing is never taken in silence, in no kind of entry and at no depth. */
import { describe, expect, test } from "bun:test";
import type * as zod from "zod";
import { Environment } from "../../../src/app/environment.ts";
import { validateEntries } from "../../../src/app/validation.ts";
import { unknownFields } from "../../../src/registry/decode.ts";
import { pathText } from "../../../src/registry/fault.ts";
import { kinds } from "../../../src/registry/kinds.ts";
import { z } from "../../../src/registry/schema.ts";

/** Kinds whose payload is the application's own. */
const open = ["registry.entry"];

/** Everything that a zod definition holds, whatever the wrapper. */
function inside(schema: zod.core.$ZodType): zod.core.$ZodType[] {
  const def = schema._zod.def as unknown as Record<string, unknown>;
  return Object.entries(def).flatMap(([key, held]) => {
    if (key === "catchall" || key === "keyType") return [];
    const made = typeof held === "function" && key === "getter" ? (held as () => unknown)() : held;
    return (Array.isArray(made) ? made : [made]).filter((one): one is zod.core.$ZodType =>
      typeof one === "object" && one !== null && "_zod" in one
    );
  });
}

/** A value with an unknown field in every object of a schema; the paths of those fields are put into `paths`. */
function sample(
  schema: zod.core.$ZodType,
  path: PropertyKey[],
  paths: string[],
  depth = 0,
): unknown {
  if (depth > 8) return undefined;
  if (schema instanceof z.ZodObject) {
    // Start options have rules of their own, and other names are ignored by contract.
    const isOpen = schema.def.catchall instanceof z.ZodUnknown;
    if (!isOpen) paths.push(pathText([...path, "bananas"]));
    const fields = Object.entries(schema.shape).map(([key, inner]) =>
      [key, sample(inner as zod.core.$ZodType, [...path, key], paths, depth + 1)] as const
    );
    return { ...Object.fromEntries(fields), bananas: 1 };
  }
  if (schema instanceof z.ZodArray) return [sample(schema.element, [...path, 0], paths, depth + 1)];
  if (schema instanceof z.ZodRecord) {
    return {
      one: sample(schema.valueType as zod.core.$ZodType, [...path, "one"], paths, depth + 1),
    };
  }
  for (const inner of inside(schema)) {
    const made = sample(inner, path, paths, depth + 1);
    if (made !== undefined) return made;
  }
  return undefined;
}

function warnings(kind: string, data: Record<string, unknown>): string[] {
  const entry = { id: "app:x", kind, meta: {}, data };
  const place = { file: "x", at: () => ({}), sourceLine: () => ({}) };
  const environment = new Environment([entry], { directory: "/", system: {} });
  return validateEntries([{ entry, place } as never], environment, undefined, {})
    .filter(({ severity }) => severity === "warning")
    .map(({ message, fix }) => `${message}; ${fix}`);
}

const strict = [...kinds.values()].filter(({ name }) => !open.includes(name));

test("there are kinds with objects inside of lists and inside of objects", () => {
  const depths = strict.flatMap(({ schema }) => {
    const paths: string[] = [];
    sample(schema, [], paths);
    return paths;
  });
  expect(depths).toContain("bananas");
  expect(depths.some((path) => /\[0\]|\.0\./.test(path))).toBe(true);
  expect(depths.length).toBeGreaterThan(strict.length + 10);
});

describe.each(strict.map((kind) => [kind.name, kind] as const))("%s", (name, { schema }) => {
  test("finds an unknown field in each of its objects", () => {
    const paths: string[] = [];
    const value = sample(schema, [], paths);
    expect(unknownFields(schema, value).map(({ path }) => pathText(path)).sort())
      .toEqual([...new Set(paths)].sort());
  });

  test("warns once of a field that is near no other, and names what there is", () => {
    const known = Object.keys(schema.shape);
    const others = known.length === 0 ? "remove it" : `there are ${known.join(", ")}`;
    expect(warnings(name, { qqqqqqqqqq: 1 })).toEqual([
      `unknown field qqqqqqqqqq is ignored; ${others}`,
    ]);
  });

  test("warns once of a slip, and says what was meant", () => {
    for (const field of Object.keys(schema.shape).filter((one) => one.length > 4)) {
      const slip = `${field.slice(0, 2)}${field[3]}${field[2]}${field.slice(4)}`;
      if (slip === field || slip in schema.shape) continue;
      expect(warnings(name, { [slip]: 1 })).toEqual([
        `unknown field ${slip} is ignored; did you mean "${field}"?`,
      ]);
    }
  });
});
