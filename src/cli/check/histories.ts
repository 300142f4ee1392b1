/**
 * Whether the code still repeats what workflow runs have recorded.
 * @module
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Application } from "../../app/app.ts";
import type { Problem } from "../../app/problem.ts";
import { prepareSource } from "../../app/source.ts";
import { excerptAt } from "../../app/excerpt.ts";
import { WippyError } from "../../vm/error.ts";
import type { TaskFailure } from "../../workflows/tasks/tasks.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { allRuns, type Recorded, recordedIn, recordedRun } from "../workflow/recorded.ts";
import { replayNode } from "../workflow/replay-node.ts";
import { connectRuns } from "../workflow/workflow.ts";

/** A history that the code does not repeat. */
export interface HistoryProblem extends Problem {
  run: {
    /** Workflow id, or name of the file. */
    name: string;
    runId: string;
    /** What the history has there. */
    expected?: TaskFailure["expected"];
    /** What the code did instead. */
    actual?: TaskFailure["actual"];
  };
}

/** What was replayed, and what of it does not fit. */
export interface CheckedHistories {
  problems: HistoryProblem[];
  replayed: number;
  /** Whether there were more open runs than the limit. */
  cut: boolean;
}

/**
 * Replays the open runs of state folders and exported histories with the code of an application, which is not started.
 *
 * @param sources folders and files; none: the application's own state folder
 * @param limit most open runs of each state folder; the newest are taken
 * @throws CommandError for a source that cannot be read
 */
export async function checkHistories(
  console: Console,
  application: Application,
  sources: readonly string[],
  limit: number,
): Promise<CheckedHistories> {
  const done: CheckedHistories = { problems: [], replayed: 0, cut: false };
  const node = await replayNode(application);
  try {
    const found = histories(console, sources.length > 0 ? sources : [".wippy"], limit, done);
    for await (const recorded of found) {
      done.replayed++;
      try {
        const difference = await node.control.replay(recorded.runId, recorded.history);
        if (difference) done.problems.push(problemOf(application, recorded, difference));
      } catch (error) {
        const { message } = WippyError.from(error);
        done.problems.push(problemOf(application, recorded, { message }));
      }
    }
    return done;
  } catch (error) {
    if (error instanceof WippyError) throw new CommandError(error.message);
    throw error;
  } finally {
    await node.stop();
  }
}

async function* histories(
  console: Console,
  sources: readonly string[],
  limit: number,
  done: CheckedHistories,
): AsyncGenerator<Recorded> {
  for (const source of sources) {
    const path = resolve(console.directory, source);
    if (existsSync(path) && statSync(path).isFile()) {
      yield recordedIn(readFileSync(path, "utf8"), source);
      continue;
    }
    const connection = connectRuns(console, { state: path });
    let taken = 0;
    for await (const { pid, run_id } of allRuns(connection, "running")) {
      if (taken++ === limit) {
        done.cut = true;
        break;
      }
      yield await recordedRun(connection, pid, run_id);
    }
  }
}

function problemOf(
  application: Application,
  { name, runId, entry }: Recorded,
  { message, expected, actual }: Pick<TaskFailure, "message" | "expected" | "actual">,
): HistoryProblem {
  const text = expected && actual
    ? `history has event ${expected.eventId}, ${expected.event}, but the code made ${actual.command}`
    : message;
  // The code may be that of a library.
  const [, chunk, line] = /^(.+):(\d+)$/.exec(actual?.at ?? "") ?? [];
  const place = application.entries.find(({ id }) => id === chunk);
  const problem: HistoryProblem = {
    severity: "error",
    code: "H0001",
    entry: place?.id ?? entry,
    message: `workflow ${name}: ${text}`,
    fix: "bring back what the code did, or guard the change with workflow.version",
    run: { name, runId, ...(expected && { expected }), ...(actual && { actual }) },
  };
  if (!place) return { ...problem, ...application.locate(problem) };
  const { code } = prepareSource(place.id, String(place.data["source"]));
  const written = code.split("\n")[Number(line) - 1] ?? "";
  const column = written.length - written.trimStart().length + 1;
  const located = application.locate({ ...problem, line: Number(line) });
  return { ...problem, ...located, column, excerpt: excerptAt(code, Number(line), column) };
}
