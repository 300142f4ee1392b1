import type * as zod from "zod";
import { z } from "./schema.ts";
import { duration } from "./duration.ts";
import { lazy } from "./lazy.ts";
import type { Fault } from "./fault.ts";
import type { Reference } from "./kind.ts";
import { suggest } from "./suggestion.ts";

const startups = ["required", "optional"] as const;

/** A number whose zero means "not given". */
function factor(fallback: number) {
  return z.number().optional().transform((value) => value || fallback);
}

const restart = () =>
  z.object({
    initial_delay: duration(1_000),
    max_delay: duration(90_000),
    backoff_factor: factor(2),
    /** Fraction of the delay; a negative value in the file switches it off and arrives as 0. */
    jitter: factor(0.1).transform((value) => Math.max(0, value)),
    max_attempts: z.int().min(0).default(0),
  });

/** On whose behalf code works. */
export const security = () =>
  z.object({
    actor: z.object({ id: z.string(), meta: z.record(z.string(), z.unknown()).default({}) })
      .optional(),
    groups: z.array(z.string()).default([]),
    policies: z.array(z.string()).default([]),
  });

/** The `lifecycle` block of a supervised entry. Durations arrive as milliseconds. */
export const lifecycle = lazy(() =>
  z.object({
    auto_start: z.boolean().default(false),
    startup: z.string().transform((word) => word === "optional" ? word : "required").meta({
      enum: [...startups],
    }).default("required"),
    start_timeout: duration(10_000),
    stop_timeout: duration(10_000),
    stable_threshold: duration(5_000),
    requires: z.array(z.string()).default([]),
    depends_on: z.array(z.string()).default([]),
    restart: restart().prefault({}),
    security: security().optional(),
  }).prefault({})
);

/** `lifecycle` with every default filled in. */
export type Lifecycle = zod.output<ReturnType<typeof lifecycle>>;

/** Warnings about the words of a `lifecycle` block: one that is not known counts as the default. */
export function unknownWords(data: Readonly<Record<string, unknown>>): Fault[] {
  const block = data["lifecycle"];
  const word = typeof block === "object" && block !== null && "startup" in block && block.startup;
  if (typeof word !== "string" || startups.some((known) => known === word)) return [];
  return [{
    path: ["lifecycle", "startup"],
    message: `unknown lifecycle.startup: ${word}; it counts as required`,
    fix: suggest(word, startups, `use one of ${startups.join(", ")}`),
  }];
}

/** The references inside a `lifecycle` block. */
export const lifecycleReferences: readonly Reference[] = [
  { path: ["lifecycle", "requires", "*"], bareName: true },
  { path: ["lifecycle", "depends_on", "*"], bareName: true },
];
