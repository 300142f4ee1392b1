/**
 * `wippy workflow migrate`: moves open runs of the journal to a Temporal server.
 * @module
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Environment } from "../../app/environment.ts";
import { oneLine } from "../../observe/clean.ts";
import { decodeEntry } from "../../registry/decode.ts";
import type { Entry } from "../../registry/entry.ts";
import { payloadKeys } from "../../services/payload-keys.ts";
import { connectionSettings } from "../../services/temporal/connection-settings.ts";
import { temporalClient, temporalWorker } from "../../services/temporal/temporal.ts";
import { EntryTypes } from "../../services/temporal/workflow-types.ts";
import { WippyError } from "../../vm/error.ts";
import { type MoveResult, moveRuns } from "../../workflows/moving/moving.ts";
import type { RunInfo } from "../../workflows/provider.ts";
import {
  journalOrigin,
  temporalConversion,
  temporalDestination,
} from "../../workflows/providers/providers.ts";
import { keysOfHosts, withKeys } from "../journal/journal-keys.ts";
import { type ConnectOptions, stateOf } from "../connection.ts";
import { load, type SourceOptions } from "../run/load.ts";
import { report } from "../terminal/report.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";

export interface MigrateOptions extends ConnectOptions, SourceOptions {
  journal?: string;
  host?: string;
  dryRun?: boolean;
  restartTimers?: boolean;
}

const words: Readonly<Record<MoveResult["result"], string>> = {
  moved: "moved",
  movable: "would move",
  stays: "stays",
  unfinished: "UNFINISHED",
};

/** The worker that takes runs. @throws CommandError */
function workersOf(entries: readonly Entry[], host: string | undefined): Map<string, Entry> {
  const workers = new Map(
    entries.filter(({ kind }) => kind === temporalWorker.name).map((entry) => [entry.id, entry]),
  );
  if (workers.size === 0) {
    throw new CommandError(
      "the application has no temporal.worker that could take runs",
      "replace its workflow.host by one, as docs/guide/temporal.md shows",
    );
  }
  if (host !== undefined && !workers.has(host)) {
    throw new CommandError(
      `${host} is no temporal.worker`,
      `name one of ${[...workers.keys()].sort().join(", ")} with --host`,
    );
  }
  return workers;
}

/** Says where a run goes. */
function hostChooser(
  entries: readonly Entry[],
  workers: ReadonlyMap<string, Entry>,
  named: string | undefined,
) {
  const workflows = new Set(
    entries.filter(({ kind }) => kind === "workflow.lua").map(({ id }) => id),
  );
  const [only] = workers.size === 1 ? workers.keys() : [];
  return ({ entry, hostId }: RunInfo): { hostId: string } | { why: string } => {
    if (!workflows.has(entry)) return { why: `the application has no workflow ${entry}` };
    const host = named ?? (workers.has(hostId) ? hostId : only);
    return host === undefined
      ? { why: `no temporal.worker is called ${hostId}; name one with --host` }
      : { hostId: host };
  };
}

function tell(console: Console, { workflow_id, entry, result, why }: MoveResult): void {
  const reason = why === undefined ? "" : `: ${oneLine(why)}`;
  console.out(`${words[result].padEnd(10)}  ${oneLine(workflow_id)}  ${entry}${reason}\n`);
}

/** `wippy workflow migrate`; status 1 when a run is left between the two places. */
export async function migrate(console: Console, options: MigrateOptions): Promise<number> {
  const { directory, system } = console;
  const { dryRun = false, restartTimers = false } = options;
  const application = await load(console, options);
  report(console, application.problems);
  const { entries } = application;
  const workers = workersOf(entries, options.host);
  const environment = new Environment(entries, { directory, system });
  const path = options.journal === undefined
    ? join(stateOf(console, options), "journal.db")
    : resolve(directory, options.journal);
  if (!existsSync(path)) throw new CommandError(`there is no journal at ${path}`);
  const results: MoveResult[] = [];
  const closers: (() => void)[] = [];
  try {
    const decoded = new Map(
      [...workers].map(([id, entry]) => [id, decodeEntry(temporalWorker, entry, environment)]),
    );
    const clients = new Set([...decoded.values()].map(({ client }) => client));
    const client = options.host === undefined && clients.size === 1
      ? [...clients][0]!
      : decoded.get(options.host ?? "")?.client;
    const entry = entries.find(({ id }) => id === client);
    if (!client || !entry) {
      throw new CommandError("several temporal.clients", "name the worker with --host");
    }
    const data = decodeEntry(temporalClient, entry, environment);
    const destination = await temporalDestination({
      connection: await connectionSettings({ directory }, data),
      conversion: await temporalConversion(
        payloadKeys(data.payload_codec),
        new EntryTypes(entries),
      ),
      node: client,
      queueOf: (host) => data.tq_prefix + (decoded.get(host)?.task_queue ?? host),
      addSearchAttributes: data.add_search_attributes,
    });
    closers.push(() => destination.close());
    const origin = await withKeys(
      (keys) => journalOrigin({ type: "sqlite", path, ...keys && { keys } }, !dryRun),
      // The workflow.host that had the keys may have been replaced.
      () => Promise.resolve(keysOfHosts(console, entries) ?? payloadKeys(data.payload_codec)),
    );
    closers.push(() => origin.end());
    const moving = moveRuns(origin, destination, {
      dryRun,
      restartTimers,
      hostFor: hostChooser(entries, workers, options.host),
      now: Date.now,
    });
    for await (const result of moving) {
      results.push(result);
      if (!options.json) tell(console, result);
    }
  } catch (error) {
    if (error instanceof WippyError) throw new CommandError(error.message);
    throw error;
  } finally {
    for (const close of closers.reverse()) close();
  }
  const count = (wanted: MoveResult["result"]) =>
    results.filter(({ result }) => result === wanted).length;
  if (options.json) console.out(`${JSON.stringify({ runs: results })}\n`);
  else {
    const moved = dryRun ? `${count("movable")} would move` : `${count("moved")} moved`;
    const unfinished = count("unfinished");
    console.out(
      `${moved}, ${count("stays")} stay${unfinished > 0 ? `, ${unfinished} unfinished` : ""}\n`,
    );
  }
  return count("unfinished") > 0 ? 1 : 0;
}
