import type { Payload } from "../payload.ts";
import type { TaskQueue } from "../tasks/queue.ts";
import type { ActivityTask, RunAhead } from "../tasks/tasks.ts";
import { aheadEvents } from "./ahead.ts";
import type { HeldLogs } from "./held-logs.ts";
import type { WorkflowTaskHandler } from "./replay.ts";

/** An attempt that has completed, and the destination of its outcome. */
export interface EndedAttempt {
  task: ActivityTask;
  queue: Pick<TaskQueue, "answer">;
  value: Payload;
}

/** A worker's knowledge of a run whose attempts it executes. */
interface Standing {
  /** Where the run stands at its provider; undefined when that is not known. */
  at: RunAhead | undefined;
  /** Attempts in flight. */
  underWay: number;
  /** A step is in flight: the provider reports where the run stands when it is committed. */
  awaited: boolean;
  /** Outcomes that the run has not seen yet. */
  held: EndedAttempt[];
}

/**
 * Shows runs the outcomes of their attempts before the provider has them, and answers with the outcomes and the task
 * that they cause: one commit instead of two, and no wait for the first. Outcomes that arrive while a step is in flight
 * wait for its commit and are shown together. Commands of the code are part of the step; its logs wait for the commit.
 */
export class RunsAhead {
  readonly #handler: Pick<WorkflowTaskHandler, "runAhead">;
  readonly #logs: Pick<HeldLogs<never>, "begin" | "end">;
  readonly #now: () => number;
  /** By run id: runs with attempts in flight, or with outcomes that they have not seen. */
  readonly #standings = new Map<string, Standing>();
  /** Ids of the runs that can be shown outcomes. */
  readonly #due = new Set<string>();

  constructor(
    handler: Pick<WorkflowTaskHandler, "runAhead">,
    logs: Pick<HeldLogs<never>, "begin" | "end">,
    now: () => number,
  ) {
    this.#handler = handler;
    this.#logs = logs;
    this.#now = now;
  }

  /** Handles the start of an attempt. */
  begin({ runId, ahead }: ActivityTask): void {
    let standing = this.#standings.get(runId);
    if (!standing) {
      standing = { at: undefined, underWay: 0, awaited: false, held: [] };
      this.#standings.set(runId, standing);
    }
    standing.underWay++;
    // An attempt that was handed out before the commit of the step in flight carries an outdated position.
    if (ahead && !standing.awaited) standing.at = ahead;
  }

  /** Handles the failure of an attempt, which the provider handles. */
  failed({ runId }: ActivityTask): void {
    const standing = this.#standings.get(runId);
    if (!standing) return;
    standing.underWay--;
    this.#drop(runId, standing);
  }

  /** Handles the completion of an attempt. @returns false if its outcome must be sent to the provider alone */
  completed(ended: EndedAttempt): boolean {
    const { runId } = ended.task;
    const standing = this.#standings.get(runId);
    if (!standing) return false;
    standing.underWay--;
    if (!standing.at && !standing.awaited) {
      this.#drop(runId, standing);
      return false;
    }
    standing.held.push(ended);
    if (standing.at) this.#due.add(runId);
    return true;
  }

  /** Shows runs their outcomes. @returns undefined when there are none */
  show(): Promise<unknown> | undefined {
    if (this.#due.size === 0) return undefined;
    const due = [...this.#due];
    this.#due.clear();
    return Promise.all(due.map((runId) => this.#show(runId)));
  }

  async #show(runId: string): Promise<void> {
    const standing = this.#standings.get(runId);
    const ahead = standing?.at;
    const [first] = standing?.held ?? [];
    if (!standing || !ahead || !first) return;
    const ended = standing.held.splice(0);
    standing.at = undefined;
    standing.awaited = true;
    const { queue, task: { pid } } = first;
    const { time, events, outcomes } = aheadEvents(
      ended.map(({ task, value }) => ({ token: task.token, value })),
      ahead,
      this.#now(),
    );
    this.#logs.begin(pid);
    // If the task fails, the provider repeats it and gets the failure.
    const commands = await this.#handler.runAhead(runId, ahead.since, events)
      .catch(() => undefined);
    const logs = this.#logs.end(pid, runId, commands !== undefined);
    if (!commands) {
      answerPlainly(ended);
      this.left(runId);
      return;
    }
    const more = standing.awaited = standing.underWay > 0 || standing.held.length > 0;
    queue.answer({
      type: "step",
      step: {
        outcomes,
        next: ahead.next,
        time,
        commands,
        logs,
        more,
      },
    });
    this.#drop(runId, standing);
  }

  /** Handles the commit of a step. @param ahead where its run stands, if it may be shown more */
  settled(runId: string, ahead: RunAhead | undefined): void {
    const standing = this.#standings.get(runId);
    if (!standing?.awaited) return;
    if (!ahead) return this.left(runId);
    standing.awaited = false;
    standing.at = ahead;
    if (standing.held.length > 0) this.#due.add(runId);
  }

  /** The provider has something else for a run: waiting outcomes are sent to it alone. */
  left(runId: string): void {
    const standing = this.#standings.get(runId);
    if (!standing) return;
    standing.at = undefined;
    standing.awaited = false;
    answerPlainly(standing.held.splice(0));
    this.#drop(runId, standing);
  }

  #drop(runId: string, { underWay, awaited, held }: Standing): void {
    if (underWay === 0 && !awaited && held.length === 0) this.#standings.delete(runId);
  }
}

function answerPlainly(outcomes: readonly EndedAttempt[]): void {
  for (const { queue, task: { token }, value } of outcomes) {
    queue.answer({ type: "activity", token, result: { status: "completed", value } });
  }
}
