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
  about: z.enum(["worker", "service", "run", "workflow", "unit", "function", "log"]),
  id: z.string().openapi({
    description:
      "Of the worker, service, run (its workflow id), workflow (its entry), unit or function",
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
/** Failed runs are counted that closed within a day, in milliseconds, and so many of a host. */
const failedWindow = 24 * 60 * 60 * 1000;
const mostFailed = 1000;

/** Runs that failed or timed out within a day, as one item per workflow. */
async function failedRuns({ workflows }: Node): Promise<Attention[]> {
  const counts = new Map<string, number>();
  let complete = true;
  const closedFrom = Date.now() - failedWindow;
  for (const host of workflows.hosts) {
    for (const status of ["failed", "timed_out"] as const) {
      const page = await workflows.list(host, { status, closedFrom, limit: mostFailed });
      for (const { entry } of page.runs) counts.set(entry, (counts.get(entry) ?? 0) + 1);
      complete &&= page.cursor === undefined;
    }
  }
  return [...counts].map(([id, count]) => {
    const runs = complete ? `${count} ${count === 1 ? "run" : "runs"}` : `${count} runs or more`;
    const message = `${runs} failed or timed out in the last 24 hours`;
    return { severity: "error", about: "workflow", id, message };
  });
}

/** Everything that needs somebody, the most severe first; at most 50 items. */
export async function findAttention(node: Node, logs: LogMemory): Promise<Attention[]> {
  const items: Attention[] = [];
  for (const { index, standing } of node.control.workers) {
    if (!standing) continue;
    const held = standing.unit === undefined ? "" : ` in a call of ${standing.unit}`;
    const message = `stands still${held}, and all that is on it`;
    items.push({ severity: "error", about: "worker", id: String(index), message });
  }
  for (const { id, status, desired, retry_count: restarts, details } of node.control.services) {
    const why = details === undefined ? "" : `: ${details}`;
    if (status === "failed") {
      items.push({ severity: "error", about: "service", id, message: `failed${why}` });
    } else if (desired === "running" && restarts >= manyRestarts) {
      const message = `restarted ${restarts} times${why}`;
      items.push({ severity: "warning", about: "service", id, message });
    }
  }
  items.push(...await failedRuns(node));
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
    const message = `${failed} of ${calls} calls failed`;
    items.push({ severity: "warning", about: "function", id, message });
  }
  const errors = logs.find({ level: "error", limit: 5 });
  for (const { logger, message } of errors.reverse()) {
    items.push({ severity: "warning", about: "log", id: logger, message });
  }
  return items.sort((left, right) => left.severity.localeCompare(right.severity))
    .slice(0, mostItems);
}
