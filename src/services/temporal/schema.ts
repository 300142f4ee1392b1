import type * as zod from "zod";
import { duration, parseDuration } from "../../registry/duration.ts";
import { choice, required } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";
import { payloadCodec } from "../payload-codec.ts";

const text = (what: string) => z.string({ error: `${what} must be text` }).min(1);
const flag = () => z.boolean().default(false);

/** What is wrong, and how to correct it. */
interface Wrong {
  path: string[];
  message: string;
  fix: string;
}

function refuse(context: zod.RefinementCtx, { path, message, fix }: Wrong): void {
  context.addIssue({ code: "custom", path, message, params: { fix } });
}

const address = () =>
  required("address", 'add "address: HOST:PORT" of the server, such as localhost:7233').refine(
    (given) => /^(?:\[[^\]]+\]|[^\s:/]+):\d{1,5}$/.test(given),
    { error: "address must be HOST:PORT", params: { fix: "write it like localhost:7233" } },
  );

const auth = () =>
  z.object({
    type: choice(["none", "api_key", "mtls"], "auth.type").default("none"),
    api_key: text("auth.api_key").optional(),
    api_key_file: text("auth.api_key_file").optional(),
    cert_file: text("auth.cert_file").optional(),
    cert_pem: text("auth.cert_pem").optional(),
    key_file: text("auth.key_file").optional(),
    key_pem: text("auth.key_pem").optional(),
  }).superRefine((given, context) => {
    const one = (...names: (keyof typeof given)[]) => {
      const count = names.filter((name) => given[name] !== undefined).length;
      if (count === 1) return;
      const said = names.join(" or ");
      refuse(context, {
        path: [names[0]!],
        message: `auth.type ${given.type} needs exactly one of ${said}, not ${count}`,
        fix: count === 0 ? `add ${said}` : "keep only one of them",
      });
    };
    if (given.type === "api_key") one("api_key", "api_key_file");
    if (given.type === "mtls") {
      one("cert_file", "cert_pem");
      one("key_file", "key_pem");
    }
  }).prefault({});

const tls = () =>
  z.object({
    enabled: flag(),
    ca_file: text("tls.ca_file").optional(),
    server_name: text("tls.server_name").optional(),
    insecure_skip_verify: flag(),
  }).superRefine((given, context) => {
    if (!given.enabled || !given.insecure_skip_verify || given.server_name === undefined) return;
    refuse(context, {
      path: ["insecure_skip_verify"],
      message: "tls.insecure_skip_verify and tls.server_name exclude each other",
      fix: "remove one of them",
    });
  }).prefault({});

const healthCheck = () =>
  z.object({
    enabled: flag(),
    interval: z.string().optional(),
  }).transform(({ enabled, interval = "30s" }, context) => {
    const milliseconds = parseDuration(interval);
    if (milliseconds === undefined || (enabled && milliseconds <= 0)) {
      refuse(context, {
        path: ["interval"],
        message: "health_check.interval must be a duration greater than 0",
        fix: 'write it like "30s"',
      });
      return z.NEVER;
    }
    return { enabled, interval: milliseconds };
  }).prefault({});

/** Of the payload of a temporal.client. */
export const clientSchema = () =>
  z.object({
    address: address(),
    namespace: text("namespace").default("default"),
    /** Prefix of the task queue of every worker of this client. */
    tq_prefix: z.string().default(""),
    connection_timeout: duration(10_000),
    keep_alive_time: duration(30_000),
    keep_alive_timeout: duration(10_000),
    auth: auth(),
    tls: tls(),
    health_check: healthCheck(),
    payload_codec: payloadCodec().optional(),
    /** Address of the Temporal Web UI, for links. */
    ui: z.url({
      protocol: /^https?$/,
      error: "ui must be an address such as http://localhost:8233",
    })
      .optional(),
    /** Adds search attributes that the namespace does not have when code first sets them. */
    add_search_attributes: flag(),
    lifecycle: lifecycle(),
  });

/** The payload of a temporal.client. */
export type TemporalClientData = zod.output<ReturnType<typeof clientSchema>>;

/** A limit of concurrency; 0 and less mean the default. */
const many = (fallback: number) =>
  z.int().default(fallback).transform((value) => value > 0 ? value : fallback);

const rate = (what: string) =>
  z.number().default(0).refine((value) => value >= 0, {
    error: `${what} must not be negative`,
    params: { fix: "write 0, or leave it out, for no limit" },
  }).transform((value) => value || undefined);

const workerOptions = () =>
  z.object({
    identity: text("worker_options.identity").optional(),
    max_concurrent_activity_execution_size: many(1_000),
    max_concurrent_workflow_task_execution_size: many(1_000),
    max_concurrent_local_activity_execution_size: many(1_000),
    max_concurrent_session_execution_size: many(1_000),
    max_concurrent_eager_activity_execution_size: z.int().min(0).default(0),
    max_concurrent_activity_task_pollers: many(20),
    max_concurrent_workflow_task_pollers: many(20).refine((value) => value !== 1, {
      error:
        "max_concurrent_workflow_task_pollers must not be 1: one poll is for runs in memory, and one for others",
      params: { fix: "write 2 or more" },
    }),
    worker_activities_per_second: rate("worker_activities_per_second"),
    worker_local_activities_per_second: rate("worker_local_activities_per_second"),
    task_queue_activities_per_second: rate("task_queue_activities_per_second"),
    sticky_schedule_to_start_timeout: duration(5_000),
    worker_stop_timeout: duration(0),
    deadlock_detection_timeout: duration(0),
    max_heartbeat_throttle_interval: duration(undefined),
    default_heartbeat_throttle_interval: duration(undefined),
    enable_logging_in_replay: flag(),
    enable_session_worker: flag(),
    disable_workflow_worker: flag(),
    local_activity_worker_only: flag(),
    disable_eager_activities: flag(),
    disable_registration_aliasing: flag(),
    use_versioning: flag(),
    deployment_name: z.string().default(""),
    build_id: z.string().default(""),
    default_versioning_behavior: choice(
      ["pinned", "auto_upgrade"],
      "worker_options.default_versioning_behavior",
    ).optional(),
  }).superRefine((given, context) => {
    if (given.disable_workflow_worker && given.local_activity_worker_only) {
      refuse(context, {
        path: ["local_activity_worker_only"],
        message:
          "disable_workflow_worker and local_activity_worker_only leave the worker nothing to do",
        fix: "remove one of them",
      });
    }
    for (const field of ["deployment_name", "build_id"] as const) {
      if (!given.use_versioning || given[field] !== "") continue;
      refuse(context, {
        path: [field],
        message: `use_versioning needs ${field}`,
        fix: `add ${field}, or leave use_versioning out`,
      });
    }
  }).prefault({});

/** Of the payload of a temporal.worker. */
export const workerSchema = () =>
  z.object({
    client: required("client", 'add "client: NAMESPACE:NAME" of a temporal.client entry'),
    task_queue: required("task_queue", 'add "task_queue: NAME"'),
    worker_options: workerOptions(),
    lifecycle: lifecycle(),
  });

/** The payload of a temporal.worker. */
export type TemporalWorkerData = zod.output<ReturnType<typeof workerSchema>>;
