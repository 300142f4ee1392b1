import type { Transaction } from "../transaction/transaction.ts";
import { terminateRun } from "./close.ts";
import type { RunState } from "../store/run-states.ts";

/** Of a limit: from here on the log warns. */
const warned = 1 / 5;

/** Terminates the runs that this transaction has let grow too large, and warns of those that come near. */
export function limitHistories(tx: Transaction): void {
  const { events, bytes } = tx.settings.historyLimits;
  for (const state of tx.runs.changed()) {
    if (state.status !== "running") continue;
    const count = state.nextEvent - 1;
    if (count >= events || state.bytes >= bytes) {
      const reason = `its history has ${
        described(state)
      }; at most ${events} events and ${bytes} bytes are allowed`;
      tx.out.push(
        report("error", state, `was terminated: ${reason}. Let it continue as new in time`),
      );
      terminateRun(tx, state, reason);
    } else if (!state.warned && (count >= events * warned || state.bytes >= bytes * warned)) {
      state.warned = true;
      tx.out.push(report(
        "warn",
        state,
        `has a history of ${described(state)}; let it continue as new (process.upgrade) ` +
          `before ${events} events or ${bytes} bytes, where it is terminated`,
      ));
    }
  }
}

function described(state: RunState): string {
  return `${state.nextEvent - 1} events and ${state.bytes} bytes`;
}

function report(level: "warn" | "error", state: RunState, what: string) {
  const { workflowId, runId, entry } = state;
  return {
    type: "report" as const,
    report: {
      level,
      message: `workflow ${workflowId} ${what}`,
      fields: {
        workflow_id: workflowId,
        run_id: runId,
        entry,
        events: state.nextEvent - 1,
        bytes: state.bytes,
      },
    },
  };
}
