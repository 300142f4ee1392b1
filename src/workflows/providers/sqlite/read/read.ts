import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { WippyError } from "../../../../vm/error.ts";
import type { PayloadKeys } from "../../../cipher.ts";
import { localNode } from "../../../pid.ts";
import type { EventRange, RunDetail, RunInfo, RunQuery, StoredRuns } from "../../../provider.ts";
import { describeRun, listRuns, type ReadContext, runDetail, runHistory } from "./describe.ts";
import { schemaVersion } from "../migrations.ts";
import { checkHeader, openForReading, storageError } from "../store/open.ts";
import { Runs } from "../store/run-states.ts";
import { describeSchedule, listSchedules } from "./describe-schedule.ts";
import { checkKeys } from "../store/sealed.ts";
import { Store } from "../store/store.ts";

/** Runs that a reader keeps in memory. */
const keptRuns = 100;

/**
 * Opens a journal for reading.
 *
 * @throws WippyError NotFound when there is no such file; Invalid when it is no journal, or has another schema than
 *   this program's; PermissionDenied
 */
export function openStored(path: string, keys?: PayloadKeys): Database {
  if (!existsSync(path)) {
    throw new WippyError("NotFound", `there is no journal at ${path}`, { retryable: false });
  }
  let database: Database | undefined;
  try {
    database = openForReading(path, keys);
    const version = checkHeader(database, path);
    if (version === schemaVersion) {
      checkKeys(database, path);
      return database;
    }
    throw new WippyError(
      "Invalid",
      `the journal ${path} has the older schema ${version} (this program's is ${schemaVersion}); ` +
        "start the runtime once, which brings it up to date",
      { retryable: false },
    );
  } catch (error) {
    database?.close();
    throw error instanceof WippyError ? error : storageError(error, path);
  }
}

/** Reads a journal that no runtime may own; nothing is written to it. */
export class JournalReader implements StoredRuns {
  readonly #database: Database;
  readonly #context: ReadContext;
  readonly hosts: string[];
  readonly schedules: StoredRuns["schedules"] = {
    list: (query) => Promise.try(() => listSchedules(this.#context, query)),
    describe: (id) => Promise.try(() => describeSchedule(this.#context, id)),
  };

  /** @throws WippyError as `openStored` */
  constructor(path: string, keys?: PayloadKeys) {
    let database: Database | undefined;
    try {
      database = openStored(path, keys);
      const store = new Store(database);
      this.#context = { store, runs: new Runs(store, keptRuns), settings: { node: localNode } };
      this.hosts = store.hosts().sort();
      this.#database = database;
    } catch (error) {
      database?.close();
      throw error instanceof WippyError ? error : storageError(error, path);
    }
  }

  /** A page of the runs of every host. @throws WippyError Invalid for a cursor that is none */
  page(query: RunQuery): { runs: RunInfo[]; cursor?: string } {
    return listRuns(this.#context, query);
  }

  /** Packed history of a run, or a part of it. @throws WippyError NotFound */
  packedHistory(runId: string, range?: EventRange): Uint8Array {
    // What was read before may have changed, or be gone.
    this.#context.runs.forgetAll();
    return runHistory(this.#context, runId, range);
  }

  list(query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }> {
    return Promise.try(() => this.page(query));
  }

  describe(workflowId: string): Promise<RunInfo | undefined> {
    return Promise.try(() => describeRun(this.#context, workflowId));
  }

  run(runId: string): Promise<RunDetail | undefined> {
    return Promise.try(() => runDetail(this.#context, runId));
  }

  history(runId: string, range?: EventRange): Promise<Uint8Array> {
    return Promise.try(() => this.packedHistory(runId, range));
  }

  close(): void {
    this.#database.close();
  }
}
