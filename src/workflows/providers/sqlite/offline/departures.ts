/**
 * A journal whose runs are moved to another place, while no runtime runs.
 * @module
 */
import { machine } from "../../../../platform/machine.ts";
import { WippyError } from "../../../../vm/error.ts";
import type { PayloadKeys } from "../../../cipher.ts";
import { type HistoryEvent, unpackHistory } from "../../../history/history.ts";
import type { StoredRun } from "../../../moving/beginning.ts";
import type { Origin } from "../../../moving/moving.ts";
import { localNode } from "../../../pid.ts";
import type { RunInfo, RunQuery, StartRequest } from "../../../provider.ts";
import { closeJournal, commit, type OpenJournal, openJournal } from "../open-journal.ts";
import { defaultHistoryLimits, type JournalSettings } from "../protocol.ts";
import {
  describeRun,
  listRuns,
  type ReadContext,
  runDetail,
  runHistory,
} from "../read/describe.ts";
import { openStored } from "../read/read.ts";
import { terminateRun } from "../runs/close.ts";
import { createRun } from "../runs/create.ts";
import { Runs } from "../store/run-states.ts";
import { Store } from "../store/store.ts";
import { storageError } from "../store/open.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { defaultTaskTimeout } from "../../../tasks/tasks.ts";
import { Workers } from "../transaction/workers.ts";

const keptRuns = 1_000;
const page = 1_000;

/** Opens a journal that runs leave. @param write false: nothing is changed. @throws WippyError as `openJournal` */
export function departures(path: string, write: boolean, keys?: PayloadKeys): Origin {
  return write ? new Departures(path, keys) : new StoredDepartures(path, keys);
}

/** Reads the runs of a journal that may leave it. */
abstract class JournalRuns implements Origin {
  protected abstract readonly context: ReadContext;

  open(): RunInfo[] {
    return this.#all({ status: "running" });
  }

  closedFor(reason: string): RunInfo[] {
    return this.#all({ status: "terminated" }).filter(({ runId, historyLength }) => {
      const last = historyLength;
      const [event] = unpackHistory(runHistory(this.context, runId, { from: last, to: last }));
      return event?.type === "ExecutionTerminated" &&
        event.data.failure.details?.["reason"] === reason;
    });
  }

  read(runId: string): StoredRun {
    const info = runDetail(this.context, runId);
    const state = this.context.runs.byId(runId);
    const events = unpackHistory(runHistory(this.context, runId));
    const heldUntil = info?.heldUntil ?? heldUntilOf(events.at(-1));
    if (!info || !state) throw new Error(`there is no run ${runId}`);
    const { options, executionDeadline } = state.terms;
    const parent = state.parentRun === null ? undefined : this.context.runs.get(state.parentRun);
    const family = parent && describeRun(this.context, parent.workflowId);
    return {
      info,
      events,
      options,
      parentIsOpen: family?.status === "running",
      ...executionDeadline !== undefined && { executionDeadline },
      ...heldUntil !== undefined && { heldUntil },
    };
  }

  abstract close(runId: string, reason: string): void;
  abstract restore(request: StartRequest & { workflowId: string }): void;
  abstract end(): void;

  #all(query: RunQuery): RunInfo[] {
    const found: RunInfo[] = [];
    let cursor: string | undefined;
    do {
      const more = listRuns(this.context, {
        ...query,
        limit: page,
        ...cursor !== undefined && { cursor },
      });
      found.push(...more.runs);
      cursor = more.cursor;
    } while (cursor !== undefined);
    return found.reverse();
  }
}

/** When a run that was closed to be moved would have begun. */
function heldUntilOf(last: HistoryEvent | undefined): number | undefined {
  const until = last?.type === "ExecutionTerminated" && last.data.failure.details?.["held_until"];
  return typeof until === "number" ? until : undefined;
}

/** Changes nothing: for a look at what would be done. */
class StoredDepartures extends JournalRuns {
  protected readonly context: ReadContext;
  readonly #database: ReturnType<typeof openStored>;

  constructor(path: string, keys: PayloadKeys | undefined) {
    super();
    this.#database = openStored(path, keys);
    const store = new Store(this.#database);
    this.context = { store, runs: new Runs(store, keptRuns), settings: { node: localNode } };
  }

  close(): never {
    throw new Error("the journal is open for reading");
  }

  restore(): never {
    throw new Error("the journal is open for reading");
  }

  end(): void {
    this.#database.close();
  }
}

class Departures extends JournalRuns {
  protected readonly context: OpenJournal;
  readonly #path: string;

  constructor(path: string, keys: PayloadKeys | undefined) {
    super();
    this.#path = path;
    const settings: JournalSettings = {
      name: 0,
      path,
      node: localNode,
      taskTimeout: defaultTaskTimeout,
      maxTasks: 0,
      maxRuns: keptRuns,
      earlyTasks: 0,
      // No run gets a task here.
      maxPublications: 1,
      historyLimits: defaultHistoryLimits,
      ...keys && { keys: { keyId: keys.keyId, keys: [...keys.keys] } },
    };
    try {
      this.context = openJournal(settings, machine.random, new Workers());
    } catch (error) {
      throw error instanceof WippyError ? error : storageError(error, path);
    }
  }

  close(runId: string, reason: string): void {
    this.#commit((tx) => {
      const state = tx.runs.byId(runId);
      if (state?.status !== "running") return;
      const { heldUntil } = this.read(runId);
      terminateRun(tx, state, reason, heldUntil === undefined ? {} : { held_until: heldUntil });
    });
  }

  restore({ options = {}, messages = [], ...run }: StartRequest & { workflowId: string }): void {
    this.#commit((tx) => createRun(tx, { ...run, options, messages }));
  }

  end(): void {
    closeJournal(this.context);
  }

  #commit(work: (tx: Transaction) => void): void {
    try {
      const tx = commit(this.context, Date.now(), work);
      for (const change of tx.after) change();
      tx.runs.trim();
    } catch (error) {
      this.context.runs.forgetAll();
      throw error instanceof WippyError ? error : storageError(error, this.#path);
    }
  }
}
