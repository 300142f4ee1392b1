import type * as zod from "zod";
import { duration } from "../../registry/duration.ts";
import { limit, required, size } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";

const variable = () =>
  z.string().regex(/^[^=\0]+$/, { error: "a name of a variable has neither = nor NUL" });

/** Fields that all executors have. */
const common = () => ({
  /** Where programs run, unless a call says so. */
  default_work_dir: z.string().optional(),
  /** Variables that every program gets. */
  default_env: z.record(variable(), z.string()).default({}),
  /** Commands that may run, each as a whole; empty: all. */
  command_whitelist: z.array(z.string()).default([]),
  /** Programs at the same time. */
  max_processes: size(100, "max_processes"),
  /** Bytes that one program may write to its outputs. @default no limit */
  max_output: limit("max_output"),
  /** Milliseconds that a program has after SIGTERM, before it is killed. */
  kill_after: duration(5_000),
  // An executor needs no start of its own: it is there with the application, unless the entry says otherwise.
  lifecycle: z.preprocess(
    (given) =>
      typeof given === "object" && given !== null && !Array.isArray(given)
        ? { auto_start: true, ...given }
        : given ?? { auto_start: true },
    lifecycle(),
  ),
});

/** Of the payload of an `exec.native`. */
export const nativeSchema = () => z.object(common());

/** Of the payload of an `exec.docker`. */
export const dockerSchema = () =>
  z.object({
    ...common(),
    image: required("image", 'add "image: NAME:TAG"'),
    /** URL of the daemon. @default DOCKER_HOST, else the local socket */
    host: z.string().optional(),
    network_mode: z.string().optional(),
    volumes: z.array(
      z.string().regex(/^[^:]+:[^:]+(:[a-zA-Z,]+)?$/, {
        error: "a volume is written host:container or host:container:ro",
      }),
    ).default([]),
    user: z.string().optional(),
    memory_limit: limit("memory_limit"),
    /** Of 100000: 100000 is one CPU. */
    cpu_quota: limit("cpu_quota"),
    auto_remove: z.boolean().default(false),
    read_only_rootfs: z.boolean().default(false),
    no_new_privileges: z.boolean().default(false),
    cap_drop: z.array(z.string()).default([]),
    cap_add: z.array(z.string()).default([]),
    pids_limit: limit("pids_limit"),
    tmpfs: z.record(z.string(), z.string()).default({}),
  });

/** The payload of an `exec.native`. */
export type NativeSettings = zod.output<ReturnType<typeof nativeSchema>>;

/** The payload of an `exec.docker`. */
export type DockerSettings = zod.output<ReturnType<typeof dockerSchema>>;
