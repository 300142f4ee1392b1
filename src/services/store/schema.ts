import type * as zod from "zod";
import { duration } from "../../registry/duration.ts";
import { size } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";

/** Of the payload of a `store.memory`. */
export const memorySchema = () =>
  z.object({
    /** Keys at most. */
    max_size: size(10_000, "max_size"),
    /** Milliseconds between two removals of expired keys. */
    cleanup_interval: duration(300_000),
    lifecycle: lifecycle(),
  });

/** The payload of a `store.memory`. */
export type MemorySettings = zod.output<ReturnType<typeof memorySchema>>;
