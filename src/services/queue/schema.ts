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

const pem = () => z.string().min(1).optional();
const whole = () => z.int().min(1).optional();

/** Of the payload of a `queue.driver.amqp`. Durations are milliseconds. */
export const amqpSchema = () =>
  z.object({
    url: z.string().min(1).default("amqp://guest:guest@localhost:5672/").refine(
      (text) => /^amqps?:$/.test(URL.canParse(text) ? new URL(text).protocol : ""),
      { error: "url must begin with amqp:// or amqps://" },
    ),
    /** Instead of the one of the address. */
    vhost: z.string().min(1).optional(),
    /** As the broker shows it. */
    connection_name: z.string().min(1).optional(),
    auth_mechanism: choice(["PLAIN", "EXTERNAL", "AMQPLAIN"], "auth_mechanism").default("PLAIN"),
    heartbeat: duration(undefined),
    connection_timeout: duration(30_000),
    /** Before the connection is made again; doubled each time. */
    reconnect_delay: duration(1_000),
    reconnect_max_delay: duration(30_000),
    /** Of each message. */
    default_message_ttl: duration(undefined),
    /** Of the messages of each queue that does not say so itself. */
    default_queue_ttl: duration(undefined),
    /** Without use, of each queue that does not say so itself. */
    default_queue_expiry: duration(undefined),
    /** Messages that a consumer has unsettled, instead of its own `prefetch`. */
    prefetch_count: whole(),
    /** Bytes of a frame. */
    frame_size: whole(),
    channel_max: whole(),
    tls: z.object({
      enabled: z.boolean().default(false),
      server_name: z.string().min(1).optional(),
      cert: pem(),
      key: pem(),
      ca: pem(),
      insecure_skip_verify: z.boolean().default(false),
    }).prefault({}),
    lifecycle: lifecycle(),
  });

/** The payload of a `queue.driver.amqp`. */
export type AmqpDriverSettings = zod.output<ReturnType<typeof amqpSchema>>;

/** Of the payload of a `queue.driver.sqs`. */
export const sqsSchema = () =>
  z.object({
    config: required("config", 'add "config: namespace:name" of a config.aws entry'),
    /** Where SQS is when it is not AWS. */
    endpoint: z.string().min(1).optional().refine(
      (text) => text === undefined || /^https?:/.test(URL.parse(text)?.protocol ?? ""),
      { error: "endpoint must begin with http:// or https://" },
    ),
    /** Seconds, of queues that are made. */
    message_retention_period: z.int().min(60).max(1_209_600).default(345_600),
    /** Seconds, of queues that are made. */
    default_delay_seconds: z.int().min(0).max(900).default(0),
    disable_message_checksum_validation: z.boolean().default(false),
    use_fips: z.boolean().default(false),
    use_dual_stack: z.boolean().default(false),
    lifecycle: lifecycle(),
  });

/** The payload of a `queue.driver.sqs`. */
export type SqsDriverSettings = zod.output<ReturnType<typeof sqsSchema>>;

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
