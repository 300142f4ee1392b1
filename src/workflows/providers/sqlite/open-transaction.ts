import type { JournalRequest } from "./protocol.ts";
import { takeTask } from "./runs/task.ts";
import type { Transaction } from "./transaction/transaction.ts";
import type { Work } from "./transaction/workers.ts";

/** A task that is out before what it shows is durable. */
export type EarlyTask = Extract<Work, { type: "task" }>;

/**
 * A transaction whose tasks are out before it is committed, so that what they show is in one commit with what comes of
 * it.
 */
export interface OpenTransaction {
  tx: Transaction;
  /** What it has carried out, to be tried again if it fails: without the answers to its tasks, which are void then. */
  requests: JournalRequest[];
  /** Tokens of the tasks that are out. */
  awaited: Set<string>;
  /** Milliseconds since the epoch, when it is committed in any case. */
  until: number;
}

/** Returns whether a transaction does nothing but what its tasks may show before it is committed. */
export function mayStayOpen(requests: readonly JournalRequest[], open?: OpenTransaction): boolean {
  const isAwaited = (request: JournalRequest) => open?.awaited.has(tokenOf(request) ?? "") ?? false;
  return requests.length > 0 &&
    requests.every((request) => patient.has(request.type) || isAwaited(request));
}

/** Requests that may wait for the tasks of others. */
const patient: ReadonlySet<JournalRequest["type"]> = new Set<JournalRequest["type"]>([
  "start",
  "signal",
  "cancel",
  "update",
  "update_with_start",
  "watch",
  "unwatch",
  "delivered",
]);

/** Adds requests to those of an open transaction. */
export function addRequests(
  { awaited, requests }: OpenTransaction,
  added: readonly JournalRequest[],
): void {
  for (const request of added) {
    if (!awaited.delete(tokenOf(request) ?? "")) requests.push(request);
  }
}

/** The task that a request answers. */
function tokenOf(request: JournalRequest): string | undefined {
  return request.type === "answered" && request.answer.type === "task"
    ? request.answer.completion.token
    : undefined;
}

/**
 * Takes the tasks that a transaction brings about, to be handed out before it is committed; undefined if one has to
 * wait for the commit.
 */
export function takeEarlyTasks(tx: Transaction): EarlyTask[] | undefined {
  const { early, ready, woken, workers, settings: { earlyTasks, maxTasks } } = tx;
  if (earlyTasks <= 0 || !workers.any || ready.length > 0) return undefined;
  if (woken.length > maxTasks - workers.tasks) return undefined;
  if (!woken.every((state) => early.allows(state))) return undefined;
  tx.beginTasks();
  const tasks: EarlyTask[] = [];
  for (const run of ready.splice(0)) {
    for (const work of takeTask(tx, run)) {
      if (work.type !== "task") continue;
      work.task.early = true;
      tasks.push(work);
    }
  }
  return tasks;
}
