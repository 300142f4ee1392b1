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

/**
 * Takes the tasks that a transaction brings about, to be handed out before it is committed. There are none if it does
 * anything else than to start runs and to send signals, or if one of its tasks has to wait for the commit.
 */
export function takeEarlyTasks(tx: Transaction, requests: readonly JournalRequest[]): EarlyTask[] {
  const { workers, settings: { earlyTasks, maxTasks } } = tx;
  if (earlyTasks <= 0 || !workers.any || requests.length > maxTasks - workers.tasks) return [];
  if (!requests.every(bringsTask) || !tx.mayBeEarly) return [];
  tx.beginTasks();
  const tasks: EarlyTask[] = [];
  for (const run of tx.ready.splice(0)) {
    for (const work of takeTask(tx, run)) {
      if (work.type !== "task") continue;
      work.task.early = true;
      tasks.push(work);
    }
  }
  return tasks;
}

function bringsTask({ type }: JournalRequest): boolean {
  return type === "start" || type === "signal";
}

/** Takes requests of a transaction that is open. @returns whether it still waits, and for nothing else */
export function stillWaits(
  { awaited, requests }: OpenTransaction,
  fresh: readonly JournalRequest[],
): boolean {
  const isAwaited = (request: JournalRequest) =>
    request.type === "answered" && request.answer.type === "task" &&
    awaited.delete(request.answer.completion.token);
  let waits = fresh.length > 0;
  for (const request of fresh) {
    if (isAwaited(request)) continue;
    requests.push(request);
    waits = false;
  }
  return waits && awaited.size > 0;
}
