import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { WippyError } from "../../../../vm/error.ts";
import { type HistoryEvent, unpackHistory } from "../../../history/history.ts";
import { localNode, workflowIdOf } from "../../../pid.ts";
import type { RunDetail, RunInfo, RunQuery } from "../../../provider.ts";
import type { ScheduleInfo, ScheduleQuery, ScheduleSummary } from "../../../schedules/schedules.ts";
import { describeRun, listRuns, type ReadContext, runDetail, runHistory } from "./describe.ts";
import { schemaVersion } from "../migrations.ts";
import { checkHeader, openForReading, storageError } from "../store/open.ts";
import { Runs } from "../store/run-states.ts";
import { describeSchedule, listSchedules } from "./describe-schedule.ts";
import { Store } from "../store/store.ts";

/** Runs that a reader keeps in memory. */
const keptRuns = 100;

/** Reads a journal that no runtime may own; nothing is written to it. */
export class JournalReader {
  readonly #database: Database;
  readonly #context: ReadContext;
  /** Identifiers of the hosts that it has runs of, sorted. */
  readonly hosts: string[];

  /**
   * @throws WippyError NotFound when there is no such file; Invalid when it is no journal, or has another schema than
   * this program's; PermissionDenied
   */
  constructor(path: string) {
    if (!existsSync(path)) {
      throw new WippyError("NotFound", `there is no journal at ${path}`, { retryable: false });
    }
    let database: Database | undefined;
    try {
      database = openForReading(path);
      const version = checkHeader(database, path);
      if (version !== schemaVersion) {
        throw new WippyError(
          "Invalid",
          `the journal ${path} has the older schema ${version} (this program's is ${schemaVersion}); ` +
            "start the runtime once, which brings it up to date",
          { retryable: false },
        );
      }
      const store = new Store(database);
      this.#context = { store, runs: new Runs(store, keptRuns), settings: { node: localNode } };
      this.hosts = store.hosts().sort();
      this.#database = database;
    } catch (error) {
      database?.close();
      throw error instanceof WippyError ? error : storageError(error, path);
    }
  }

  /** A page of the runs of every host, newest first. */
  list(_host: string, query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }> {
    return Promise.resolve(this.page(query));
  }

  /** A page of runs. @throws WippyError Invalid for a cursor that is none */
  page(query: RunQuery): { runs: RunInfo[]; cursor?: string } {
    return listRuns(this.#context, query);
  }

  /** Packed history of a run. @throws WippyError NotFound */
  packedHistory(runId: string): Uint8Array {
    // What was read before may have changed, or be gone.
    this.#context.runs.forgetAll();
    return runHistory(this.#context, runId);
  }

  /** A page of schedules. */
  listSchedules(query: ScheduleQuery): { schedules: ScheduleSummary[]; cursor?: string } {
    return listSchedules(this.#context, query);
  }

  /** @throws WippyError NotFound */
  describeSchedule(id: string): ScheduleInfo {
    return describeSchedule(this.#context, id);
  }

  /** The newest run of a PID's workflow id. */
  describe(pid: string): Promise<RunInfo | undefined> {
    const id = workflowIdOf(pid);
    return Promise.resolve(id === undefined ? undefined : describeRun(this.#context, id));
  }

  /** A run with what it waits for. @throws WippyError NotFound */
  run(_host: string, runId: string): Promise<RunDetail> {
    const detail = runDetail(this.#context, runId);
    if (detail) return Promise.resolve(detail);
    throw new WippyError("NotFound", `no run ${runId}`, { retryable: false });
  }

  /** History of a run. @throws WippyError NotFound */
  history(_host: string, runId: string): Promise<HistoryEvent[]> {
    return Promise.resolve(unpackHistory(this.packedHistory(runId)));
  }

  owns(pid: string): boolean {
    return workflowIdOf(pid) !== undefined;
  }

  close(): void {
    this.#database.close();
  }
}
