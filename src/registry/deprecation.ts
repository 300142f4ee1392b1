/**
 * Deprecations. A deprecated feature works unchanged for at least one minor version, and its use is reported with the
 * replacement.
 * @module
 */
import type * as zod from "zod";

/** Why something should no longer be used. */
export interface Deprecation {
  /** The minor version that deprecated it, such as 0.2.0; the next one may remove it. */
  since: string;
  /** What to use instead, as in "use INSTEAD". */
  instead: string;
}

const fields = new WeakMap<zod.ZodType, Deprecation>();

/**
 * Marks a field of an entry's payload as deprecated.
 *
 * @example
 * ```ts
 * schema: z.object({ size: deprecated(z.int().optional(), { since: "0.2.0", instead: "workers" }) })
 * ```
 */
export function deprecated<Schema extends zod.ZodType>(
  schema: Schema,
  deprecation: Deprecation,
): Schema {
  fields.set(schema, deprecation);
  return schema;
}

/** Returns the deprecated fields that a payload uses. @param value @default all that the schema has */
export function deprecatedFields(
  schema: zod.ZodObject,
  value: Readonly<Record<string, unknown>> = schema.shape,
): { field: string; deprecation: Deprecation }[] {
  return Object.entries(schema.shape as Record<string, zod.ZodType>).flatMap(([field, inner]) => {
    const deprecation = fields.get(inner);
    return deprecation !== undefined && Object.hasOwn(value, field) ? [{ field, deprecation }] : [];
  });
}

/** Returns the version that may remove it: the minor version after the one that deprecated it. */
export function removalOf({ since }: Deprecation): string {
  const [major, minor] = since.split(".").map(Number);
  return `${major}.${minor! + 1}.0`;
}

/** Returns the warning for its use. @param what as in "WHAT is deprecated" */
export function deprecationText(what: string, deprecation: Deprecation): string {
  return `${what} is deprecated since ${deprecation.since}; ${removalOf(deprecation)} removes it`;
}
