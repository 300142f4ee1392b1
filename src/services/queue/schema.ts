import type * as zod from "zod";
import { duration } from "../../registry/duration.ts";
import { choice, required, size } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";

/** Of the payload of a `queue.driver.memory`. */
export const memorySchema = () => z.object({ lifecycle: lifecycle() });

/** Of the payload of a `queue.driver.sqlite`. */
export const sqliteSchema = () =>
  z.object({
    /** Milliseconds for which the ids of messages that must not come twice are known. */
    id_retention: duration(7 * 24 * 3_600_000),
    lifecycle: lifecycle(),
  });

/** The payload of a `queue.driver.sqlite`. */
export type SqliteDriverSettings = zod.output<ReturnType<typeof sqliteSchema>>;

/** A queue is there as soon as its entry is, unless its lifecycle says otherwise. */
const startsByItself = () =>
  z.preprocess(
    (given) =>
      typeof given === "object" && given !== null
        ? { auto_start: true, ...given }
        : given ?? { auto_start: true },
    lifecycle(),
  );

/** A whole number from 1 on; 0 and absence mean the default. */
const bounded = (fallback: number, most: number, what: string) =>
  size(fallback, what).refine((value) => value <= most, {
    error: `${what} must be at most ${most}`,
    params: { fix: `write a number from 1 to ${most}` },
  });

/** Of the payload of a `queue.queue`. */
export const queueSchema = () =>
  z.object({
    driver: required("driver", 'add "driver: namespace:name" of a queue.driver.* entry'),
    codec: choice(["json/plain", "application/msgpack"], "codec").default("json/plain"),
    /** The name that a broker knows. @default the name of the entry */
    queue_name: z.string().min(1).optional(),
    driver_options: z.object({
      memory: z.object({
        /** Messages at most; a publisher waits while there are so many. */
        max_length: size(1_000, "driver_options.memory.max_length"),
      }).prefault({}),
      sqlite: z.object({
        /** As in memory. */
        max_length: size(1_000_000, "driver_options.sqlite.max_length"),
      }).prefault({}),
      amqp: z.object({
        durable: z.boolean().default(true),
        auto_delete: z.boolean().default(false),
        /** Milliseconds. */
        message_ttl: duration(undefined),
        /** Milliseconds without use. */
        queue_expiry: duration(undefined),
        max_length: z.int().min(0).optional(),
      }).prefault({}),
    }).prefault({}),
    dead_letter: z.object({
      queue: required("dead_letter.queue", 'add "queue: namespace:name" of a queue.queue entry'),
      /** Deliveries that may fail. */
      max_attempts: size(3, "dead_letter.max_attempts"),
    }).optional(),
    lifecycle: startsByItself(),
  });

/** The payload of a `queue.queue`. */
export type QueueSettings = zod.output<ReturnType<typeof queueSchema>>;

/** Of the payload of a `queue.consumer`. */
export const consumerSchema = () =>
  z.object({
    queue: required("queue", 'add "queue: namespace:name" of a queue.queue entry'),
    func: required("func", 'add "func: namespace:name" of a function.lua entry'),
    /** Handlers at work at most. */
    concurrency: bounded(1, 1_000, "concurrency"),
    /** Messages at most that wait for a handler. */
    prefetch: bounded(10, 10_000, "prefetch"),
    /** Only for brokers: messages are settled when they are delivered. */
    auto_ack: z.boolean().default(false),
    driver_options: z.object({
      amqp: z.object({
        exclusive: z.boolean().default(false),
        no_local: z.boolean().default(false),
        no_wait: z.boolean().default(false),
        consumer_tag: z.string().min(1).optional(),
      }).prefault({}),
    }).prefault({}),
    lifecycle: lifecycle(),
  });

/** The payload of a `queue.consumer`. */
export type ConsumerSettings = zod.output<ReturnType<typeof consumerSchema>>;
