/**
 * What in a runtime needs somebody's attention.
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Node } from "../node/node.ts";
import type { LogMemory } from "../observe/log-memory.ts";

export const attention = z.object({
  severity: z.enum(["error", "warning"]),
  /** What kind of thing it is about. */
  about: z.enum(["service", "run", "unit", "function", "log"]),
  id: z.string().openapi({
    description: "Of the service, run (its workflow id), unit or function",
  }),
  message: z.string(),
}).openapi("Attention");

type Attention = z.infer<typeof attention>;

const mostItems = 50;
/** Messages that wait before a mailbox counts as full of trouble. */
const longMailbox = 1000;
/** Units that are looked at. */
const lookedUnits = 1000;
/** Restarts since a service last ran stably that are more than an accident. */
const manyRestarts = 3;
/** Share of failing calls that is more than an accident, from so many calls on. */
const badShare = 0.1;
const enoughCalls = 5;

/** Everything that does not go as its author wants, the worst first; at most 50 items. */
export async function findAttention(node: Node, logs: LogMemory): Promise<Attention[]> {
  const items: Attention[] = [];
  for (const { id, status, desired, retry_count: restarts, details } of node.control.services) {
    const why = details === undefined ? "" : `: ${details}`;
    if (status === "failed") {
      items.push({ severity: "error", about: "service", id, message: `has failed${why}` });
    } else if (desired === "running" && restarts >= manyRestarts) {
      const message = `was restarted ${restarts} times${why}`;
      items.push({ severity: "warning", about: "service", id, message });
    }
  }
  const runs = node.workflows.blocked.slice(0, mostItems).map(async ({ host, runId }) => {
    const run = await node.workflows.run(host, runId).catch(() => undefined);
    if (!run?.blocked) return;
    const message = `is blocked: ${run.blocked.message}`;
    items.push({ severity: "error", about: "run", id: run.workflowId, message });
  });
  await Promise.all(runs);
  for (const { pid, entry, mailbox } of (await node.control.units({ limit: lookedUnits })).units) {
    if (mailbox < longMailbox) continue;
    const message = `${entry} has ${mailbox} messages waiting`;
    items.push({ severity: "warning", about: "unit", id: pid, message });
  }
  for (const { id, calls, failed } of await node.control.functions()) {
    if (calls < enoughCalls || failed / calls < badShare) continue;
    const message = `${failed} of ${calls} calls have failed`;
    items.push({ severity: "warning", about: "function", id, message });
  }
  const errors = logs.find({ level: "error", limit: 5 });
  for (const { logger, message } of errors.reverse()) {
    items.push({ severity: "warning", about: "log", id: logger, message });
  }
  return items.sort((left, right) => left.severity.localeCompare(right.severity))
    .slice(0, mostItems);
}
