/**
 * The format of packs: zip archives that hold the entries of an application and the files of its `fs.embed` entries,
 * each with its SHA-256.
 *
 * - `pack.json`: the {@link Manifest}, which lists every other member
 * - `entries.json`: the entries, sorted by identifier, with the text of their sources
 * - `tests.json`: the files of tests, if they are packed
 * - `resources/N/PATH`: the files of the Nth resource
 * @module
 */
import { z } from "zod";
import { WippyError } from "../../vm/error.ts";

/** The first member of every pack. */
export const manifestName = "pack.json";

export const entriesName = "entries.json";
export const testsName = "tests.json";

/** What a pack may hold. Reading stops at the first that is exceeded. */
export const packLimits = {
  manifestBytes: 32 * 2 ** 20,
  entriesBytes: 64 * 2 ** 20,
  files: 100_000,
  /** Bytes of all files of resources, unpacked. */
  resourceBytes: 2 * 2 ** 30,
} as const;

/** The name of a member that holds a file of a resource. */
export function memberName(resource: number, path: string): string {
  return `resources/${resource}/${path}`;
}

/** Whether a relative path stays below the folder it starts from, on every system. */
export function isSafePath(path: string): boolean {
  // deno-lint-ignore no-control-regex
  return path.length <= 1024 && !/[\\:\x00-\x1f]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const content = z.object({ size: z.int().nonnegative(), sha256: hash });
const path = z.string().refine(isSafePath, { error: "the path leads out of its folder" });

/** Size and hash of a member. */
export type Content = z.infer<typeof content>;

export const manifestSchema = z.object({
  format: z.literal("wippy-pack"),
  version: z.literal(1),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  entries: content,
  tests: content.optional(),
  resources: z.array(
    z.object({
      /** Identifier of the `fs.embed` entry. */
      entry: z.string().min(1),
      files: z.array(content.extend({ path })),
    }),
  ),
});

const test = z.object({
  /** Relative to the application that was packed, with `/`. */
  path: z.string(),
  /** Code that the VM compiles. */
  code: z.string(),
  /** Libraries of the application by the names that `require` finds them under. */
  imports: z.record(z.string(), z.string()),
});

export const testsSchema = z.array(test);

/** A file of tests in a pack. */
export type PackedTest = z.infer<typeof test>;

/** What a pack says of itself. */
export type Manifest = z.infer<typeof manifestSchema>;

/** An error of a pack, which is told with the name of its file. */
export function packError(message: string, cause?: unknown): WippyError {
  return new WippyError("Invalid", message, { retryable: false, cause });
}

/** Key of the map that stands for a number that JSON has not. */
const numberKey = "$number";

const notFinite: Readonly<Record<string, number>> = {
  NaN: NaN,
  Infinity: Infinity,
  "-Infinity": -Infinity,
  "-0": -0,
};

/**
 * JSON of plain data whose integers may have 64 bits and whose numbers may be NaN.
 *
 * @throws WippyError Invalid for what a pack cannot hold
 */
export function packText(value: unknown): string {
  const encode = (inner: unknown): unknown => {
    if (typeof inner === "bigint") return { [numberKey]: String(inner) };
    if (typeof inner === "number" && (!Number.isFinite(inner) || Object.is(inner, -0))) {
      return { [numberKey]: Object.is(inner, -0) ? "-0" : String(inner) };
    }
    if (inner instanceof Uint8Array) throw packError("a pack cannot hold bytes; write text");
    if (Array.isArray(inner)) return inner.map(encode);
    if (typeof inner !== "object" || inner === null) return inner;
    if (Object.hasOwn(inner, numberKey)) {
      throw packError(`a pack cannot hold a map with the key ${numberKey}; rename the key`);
    }
    return Object.fromEntries(Object.entries(inner).map(([key, child]) => [key, encode(child)]));
  };
  return JSON.stringify(encode(value));
}

/** Reads what `packText` wrote. @throws WippyError Invalid */
export function packValue(text: string): unknown {
  const decode = (_key: string, inner: unknown): unknown => {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, numberKey)) {
      return inner;
    }
    const written = (inner as Record<string, unknown>)[numberKey];
    if (typeof written === "string" && /^-?\d{1,20}$/.test(written) && written !== "-0") {
      return BigInt(written);
    }
    const special = typeof written === "string" ? notFinite[written] : undefined;
    if (special === undefined) throw packError(`${JSON.stringify(written)} is not a number`);
    return special;
  };
  try {
    return JSON.parse(text, decode);
  } catch (error) {
    if (error instanceof WippyError) throw error;
    throw packError(`not JSON: ${(error as Error).message}`, error);
  }
}
