import type * as zod from "zod";
import { duration, parseDuration } from "../../registry/duration.ts";
import { choice, required } from "../../registry/kind.ts";
import { lazy } from "../../registry/lazy.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";

/** The kind of a declared supervisor. */
export const name = "process.supervisor";

const wayOut = 'write a duration like "5s", "brutal_kill" or "infinity"';

/** How a child is asked to end: milliseconds until it is terminated, or one of OTP's two words. */
const shutdown = lazy(() =>
  z.string().transform((text, context): number | "brutal_kill" | "infinity" => {
    if (text === "brutal_kill" || text === "infinity") return text;
    const milliseconds = parseDuration(text);
    if (milliseconds !== undefined && milliseconds >= 0) return milliseconds;
    context.addIssue({
      code: "custom",
      message: `bad shutdown "${text}"`,
      params: { fix: wayOut },
    });
    return z.NEVER;
  }).optional()
);

const child = lazy(() =>
  z.object({
    /** Name of the child in its supervisor; the name of what it runs unless given. */
    id: z.string().min(1).optional(),
    /** A process.lua entry … */
    process: z.string().min(1).optional(),
    /** … or another process.supervisor entry, which runs as a child. */
    supervisor: z.string().min(1).optional(),
    /** Host of the child; the supervisor's unless given. */
    host: z.string().min(1).optional(),
    input: z.array(z.unknown()).default([]),
    /** Registered for the child after each start. */
    name: z.string().min(1).optional(),
    restart: choice(["permanent", "transient", "temporary"], "restart").default("permanent"),
    shutdown: shutdown(),
    type: choice(["worker", "supervisor"], "type").optional(),
    significant: z.boolean().default(false),
    /** Whether its start is awaited: for processes whose main is a server.run or supervisor.run. */
    wait: z.boolean().default(false),
  })
);

/** A child as the entry describes it. */
export type ChildSpec = zod.output<ReturnType<typeof child>>;

/** What a child is called in its supervisor. */
export function childId({ id, process, supervisor }: ChildSpec): string {
  return id ?? process ?? supervisor ?? "";
}

const strategies = [
  "one_for_one",
  "one_for_all",
  "rest_for_one",
  "simple_one_for_one",
] as const;

/** Of the payload. */
export const schema = lazy(() =>
  z.object({
    host: required("host", 'add "host: namespace:name" of a process.host entry'),
    strategy: choice(strategies, "strategy").default("one_for_one"),
    /** So many restarts within `period` are allowed. */
    intensity: z.int().min(0).default(1),
    period: duration(5_000),
    auto_shutdown: choice(["never", "any_significant", "all_significant"], "auto_shutdown")
      .default("never"),
    children: z.array(child()).default([]).superRefine((children, context) => {
      const seen = new Set<string>();
      children.forEach((one, index) => {
        const wrong = (message: string, fix: string) =>
          context.addIssue({ code: "custom", path: [index], message, params: { fix } });
        const id = childId(one);
        if ((one.process === undefined) === (one.supervisor === undefined)) {
          wrong(
            "a child needs either process or supervisor",
            "name a process.lua entry as process, or a process.supervisor entry as supervisor",
          );
        } else if (seen.has(id)) {
          wrong(`two children have the id "${id}"`, "give one of them another id");
        }
        if (one.significant && one.restart === "permanent") {
          wrong(
            "a permanent child cannot be significant",
            "set restart: transient or temporary, so that its end stands",
          );
        }
        seen.add(id);
      });
    }),
    lifecycle: lifecycle(),
  }).superRefine(({ strategy, children, auto_shutdown }, context) => {
    if (strategy === "simple_one_for_one" && children.length !== 1) {
      context.addIssue({
        code: "custom",
        path: ["children"],
        message: `simple_one_for_one needs exactly one child, not ${children.length}`,
        params: { fix: "give the one child that all are copies of" },
      });
    }
    const significant = children.findIndex((one) => one.significant);
    if (auto_shutdown === "never" && significant >= 0) {
      context.addIssue({
        code: "custom",
        path: ["children", significant, "significant"],
        message: "a significant child needs auto_shutdown of its supervisor",
        params: { fix: "set auto_shutdown: any_significant or all_significant" },
      });
    }
  })
);

/** The payload of a process.supervisor. */
export type ProcessSupervisor = zod.output<ReturnType<typeof schema>>;
