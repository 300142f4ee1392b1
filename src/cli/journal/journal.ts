/**
 * `wippy journal`: maintains the file that workflows are recorded in.
 * @module
 */
import { join, resolve } from "node:path";
import { bytes } from "../../observe/measure.ts";
import { WippyError } from "../../vm/error.ts";
import type { StorageFault, StorageTools } from "../../workflows/provider.ts";
import { type PayloadKeys, storageTools } from "../../workflows/providers/providers.ts";
import { type ConnectOptions, stateOf } from "../connection.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { keysHere, withKeys } from "./journal-keys.ts";
import { oneLine } from "../../observe/clean.ts";

export interface JournalOptions extends ConnectOptions {
  /** The file, where it is not the one in the state folder. */
  journal?: string;
}

function pathOf(console: Console, options: JournalOptions): string {
  return options.journal === undefined
    ? join(stateOf(console, options), "journal.db")
    : resolve(console.directory, options.journal);
}

/** Does work with a journal and prints its result. */
async function tell<Result extends object>(
  console: Console,
  options: JournalOptions,
  work: (tools: StorageTools, path: string, keys?: PayloadKeys) => Result,
  words: (result: Result) => string,
): Promise<Result> {
  const tools = await storageTools();
  let result: Result;
  try {
    const path = pathOf(console, options);
    result = await withKeys(
      (keys) => Promise.try(() => work(tools, path, keys)),
      () => keysHere(console),
    );
  } catch (error) {
    if (error instanceof WippyError) throw new CommandError(error.message);
    throw error;
  }
  console.out(options.json ? `${JSON.stringify(result)}\n` : words(result));
  return result;
}

function placeOf({ workflowId, runId, scheduleId }: StorageFault): string {
  if (workflowId !== undefined) return `${oneLine(workflowId)} (run ${runId})`;
  return scheduleId === undefined ? "journal" : `schedule ${oneLine(scheduleId)}`;
}

/** `wippy journal check`; status 1 when something is wrong. */
export async function check(console: Console, options: JournalOptions): Promise<number> {
  const work = (tools: StorageTools, path: string, keys?: PayloadKeys) => tools.check(path, keys);
  const { faults } = await tell(console, options, work, ({ runs, events, faults }) => {
    const lines = faults.map((fault) => `${placeOf(fault)}: ${oneLine(fault.message)}\n`);
    const sum = faults.length === 0 ? "no faults" : `${faults.length} faults`;
    return `${lines.join("")}${runs} runs, ${events} events: ${sum}\n`;
  });
  return faults.length === 0 ? 0 : 1;
}

/** `wippy journal backup` */
export async function backUp(
  console: Console,
  target: string,
  options: JournalOptions,
): Promise<number> {
  const work = (tools: StorageTools, path: string) =>
    tools.backUp(path, resolve(console.directory, target));
  await tell(console, options, work, (done) => `${target}: ${bytes(done.bytes)}\n`);
  return 0;
}

/** `wippy journal compact` */
export async function compact(console: Console, options: JournalOptions): Promise<number> {
  await tell(
    console,
    options,
    (tools, path) => tools.compact(path),
    ({ before, after }) => `${bytes(before)} before, ${bytes(after)} now\n`,
  );
  return 0;
}

/** `wippy journal migrate` */
export async function migrate(console: Console, options: JournalOptions): Promise<number> {
  await tell(
    console,
    options,
    (tools, path) => tools.migrate(path),
    ({ from, to }) => from === to ? `schema ${to}: up to date\n` : `schema ${from} is now ${to}\n`,
  );
  return 0;
}
