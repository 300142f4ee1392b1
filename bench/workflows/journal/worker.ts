/**
 * A worker in miniature for the benches of the journal: activities answer at once, with the same value.
 * @module
 */
import { machine } from "../../../src/platform/machine.ts";
import { pack } from "../../../src/vm/codec.ts";
import type { SqliteProvider } from "../../../src/workflows/providers/sqlite/sqlite.ts";
import { HeldLogs } from "../../../src/workflows/replay/held-logs.ts";
import type { WorkflowTaskHandler } from "../../../src/workflows/replay/replay.ts";
import { RunsAhead } from "../../../src/workflows/replay/runs-ahead.ts";
import { TaskQueue } from "../../../src/workflows/tasks/queue.ts";
import type {
  ActivityTask,
  TaskCompletion,
  WorkflowTask,
} from "../../../src/workflows/tasks/tasks.ts";

/**
 * Takes what an open provider hands out. Returns the queue, which sends answers at the end of each turn.
 *
 * @param handler holds the runs, which see the outcomes of their activities at once, as in a worker; without it,
 * outcomes go to the journal alone.
 */
export function serve(
  provider: SqliteProvider,
  complete: (task: WorkflowTask) => TaskCompletion | Promise<TaskCompletion>,
  handler?: WorkflowTaskHandler,
): TaskQueue {
  const queue = new TaskQueue(provider.connect(0), machine.defer);
  const value = pack("a result of some forty characters or so.");
  const answer = (completion: TaskCompletion) => queue.answer({ type: "task", completion });
  const runsAhead = handler && new RunsAhead(handler, new HeldLogs<never>(), machine.now);
  const attempt = (task: ActivityTask) => {
    runsAhead?.begin(task);
    if (runsAhead?.completed({ task, queue, value })) return;
    queue.answer({
      type: "activity",
      token: task.token,
      result: { status: "completed", value },
    });
  };
  queue.onTasks((tasks) => {
    for (const item of tasks) {
      if (item.type === "task") {
        runsAhead?.left(item.task.runId);
        const completion = complete(item.task);
        if (completion instanceof Promise) completion.then(answer);
        else answer(completion);
      } else if (item.type === "activity") attempt(item.task);
      else if (item.type === "settled") runsAhead?.settled(item.runId, item.ahead);
      else if (item.type === "evict") {
        runsAhead?.left(item.runId);
        handler?.evict(item.runId);
      }
    }
    void runsAhead?.show()?.then(() => queue.flush());
  });
  return queue;
}
