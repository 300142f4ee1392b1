/**
 * The options of the module's functions, checked.
 * @module
 */
import type * as zod from "zod";
import { parseDuration } from "../../registry/duration.ts";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { invalid } from "../http_client/failure.ts";

const defaultTimeout = 60_000;
const defaultLimit = 120 * 1024 * 1024;
const defaultExpiration = 3600;
const longestExpiration = 7 * 24 * 3600;

const time = (name: string) =>
  z.union([z.string(), z.number()], {
    error: `${name} is a number of seconds or a duration such as "30s"`,
  }).optional();

const text = (name: string) => z.string({ error: `${name} is text` }).optional();

/** A value of a header: printable ASCII. */
const headerText = (name: string) =>
  text(name).refine((value) => value === undefined || /^[\x20-\x7e]*$/.test(value), {
    error: `${name} is printable ASCII text`,
  });

function strict<Shape extends zod.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? `unknown option ${issue.keys[0]}` : undefined,
  });
}

/** Of `list_objects`. */
export const listing = lazy(() =>
  strict({
    prefix: text("prefix"),
    delimiter: text("delimiter"),
    start_after: text("start_after"),
    continuation_token: text("continuation_token"),
    max_keys: z.int({ error: "max_keys is a whole number" }).min(1, {
      error: "max_keys must be from 1 to 1000",
    }).max(1000, { error: "max_keys must be from 1 to 1000" }).optional(),
    timeout: time("timeout"),
  })
);

/** Of whatever reads an object. */
export const reading = lazy(() =>
  strict({
    range: text("range").refine(
      (value) => value === undefined || /^bytes=(\d+-\d*|-\d+)$/.test(value),
      { error: 'range is text such as "bytes=0-99"' },
    ),
    max_size: z.int({ error: "max_size is a number of bytes" }).min(0).optional(),
    timeout: time("timeout"),
  })
);

/** Of whatever writes one. */
export const writing = lazy(() =>
  strict({
    content_type: headerText("content_type"),
    content_disposition: headerText("content_disposition"),
    content_encoding: headerText("content_encoding"),
    cache_control: headerText("cache_control"),
    metadata: z.record(
      z.string(),
      z.string().regex(/^[\x20-\x7e]*$/, { error: "metadata is printable ASCII text" }),
      { error: "metadata is a table of names and texts" },
    ).refine((table) => Object.keys(table).every((name) => /^[A-Za-z0-9-]+$/.test(name)), {
      error: "a name of metadata has letters, digits and hyphens",
    }).optional(),
    only_if_absent: z.boolean({ error: "only_if_absent is a boolean" }).optional(),
    timeout: time("timeout"),
  })
);

/** Of presigned URLs. */
export const presigning = lazy(() =>
  strict({
    expiration: time("expiration"),
    content_type: headerText("content_type"),
    content_length: z.int({ error: "content_length is a number of bytes" }).min(0).optional(),
  })
);

function seconds(name: string, given: string | number): number {
  const value = typeof given === "number" ? given : (parseDuration(given) ?? -1000) / 1000;
  if (value >= 0 && Number.isFinite(value)) return value;
  throw invalid(`${name}: bad duration "${given}"; write seconds, or text like "30s" or "1h"`);
}

/** Milliseconds. @throws WippyError Invalid */
export function timeoutOf(given: string | number | undefined): number {
  return given === undefined ? defaultTimeout : seconds("timeout", given) * 1000 || defaultTimeout;
}

/** Bytes that a program gets at once. */
export function limitOf(given: number | undefined): number {
  return given || defaultLimit;
}

/** Whole seconds that a URL is valid. @throws WippyError Invalid */
export function expirationOf(given: string | number | undefined): number {
  const value = Math.trunc(seconds("expiration", given ?? defaultExpiration)) || defaultExpiration;
  if (value <= longestExpiration) return value;
  throw invalid(`expiration: a URL is valid for 7 days at most, not for ${value} seconds`);
}

/** What the headers of a new object are. */
export function objectHeaders(options: zod.output<ReturnType<typeof writing>>) {
  const headers: Record<string, string> = {};
  const names = ["content_type", "content_disposition", "content_encoding", "cache_control"];
  for (const name of names as ("content_type" | "cache_control")[]) {
    const value = options[name];
    if (value !== undefined) headers[name.replaceAll("_", "-")] = value;
  }
  headers["content-type"] ??= "application/octet-stream";
  for (const [name, value] of Object.entries(options.metadata ?? {})) {
    headers[`x-amz-meta-${name.toLowerCase()}`] = value;
  }
  return headers;
}
