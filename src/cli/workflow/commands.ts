import { type Command, InvalidArgumentError } from "commander";
import type { Console } from "../terminal/console.ts";
import type { HistoryOptions, ListRunsOptions, RunChoice } from "./workflow.ts";
import type { JournalOptions } from "../journal.ts";
import type { ReplayOptions } from "./replay.ts";
import type { ReasonOptions, ResetOptions, StartRunOptions, UpdateOptions } from "./actions.ts";

/** What a command needs of the program it belongs to. */
export interface Surrounding {
  /** The outside, in the directory that -C names. */
  here(): Console;
  finish(status: number): void;
}

export function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Write a whole number.");
  return Number(text);
}

/** Flags of every command that speaks to a runtime. */
export function speaking(command: Command): Command {
  return command
    .option("--state <directory>", "state folder of the runtime (default: .wippy)")
    .option("--json", "as JSON");
}

const values =
  "\nArguments are JSON where they are JSON (42, true, '{\"a\":1}', '\"42\"'), else text.";
const offline =
  "\nSpeaks to the running runtime; where none runs, it reads the journal in the state folder.";

/** Adds `wippy workflow …`. */
export function addWorkflowCommands(program: Command, { here, finish }: Surrounding): void {
  const workflow = program.command("workflow")
    .description("look at runs of workflows, and act on them")
    .addHelpText("after", "\nExit status: 0 done, 1 it failed or the run's end is an error.");
  const reading = (name: string) => speaking(workflow.command(name)).addHelpText("after", offline);
  const acting = (name: string) => speaking(workflow.command(name));

  reading("list")
    .description("list runs, the newest first")
    .option("--status <status>", "running, completed, failed, canceled, terminated, timed_out, …")
    .option("--id <workflow-id>", "runs of this workflow id")
    .option("--prefix <text>", "runs whose workflow id begins so")
    .option("--entry <id>", "runs of this entry")
    .option("--since <time>", "started at or after; a date, or a span ago such as 2h")
    .option("--until <time>", "started before")
    .option("--closed-since <time>", "closed at or after")
    .option("--closed-until <time>", "closed before")
    .option(
      "--attribute <key=value>",
      "runs with this search attribute, repeatable",
      (value: string, previous: string[] | undefined) => [...previous ?? [], value],
    )
    .option("--host <id>", "runs of this workflow host")
    .option("-n, --limit <number>", "at most that many", count, 50)
    .option("--after <cursor>", "go on where the page before ended")
    .action(async (options: ListRunsOptions) => {
      const { listRuns } = await import("./workflow.ts");
      finish(await listRuns(here(), options));
    });
  reading("show")
    .description("show a run: its state, input, result and what it waits for")
    .argument("<id>", "workflow id or PID")
    .option("--run <run-id>", "this run, not the newest")
    .action(async (id: string, options: RunChoice) => {
      const { showRun } = await import("./workflow.ts");
      finish(await showRun(here(), id, options));
    });
  reading("history")
    .description("show the events of a run")
    .argument("<id>", "workflow id or PID")
    .option("--run <run-id>", "this run, not the newest")
    .option("--full", "with all that was recorded")
    .option("-f, --follow", "wait for more until the run is closed")
    .action(async (id: string, options: HistoryOptions) => {
      const { showHistory } = await import("./workflow.ts");
      finish(await showHistory(here(), id, options));
    });
  reading("export")
    .description("write the whole history of a run as JSON, for replay")
    .argument("<id>", "workflow id or PID")
    .option("--run <run-id>", "this run, not the newest")
    .option("-o, --out <file>", "write it there")
    .action(async (id: string, options: RunChoice & { out?: string }) => {
      const { exportRun } = await import("./workflow.ts");
      finish(await exportRun(here(), id, options));
    });

  acting("start")
    .description("start a workflow")
    .argument("<entry>", "namespace:name of a workflow.lua")
    .argument("[args...]", "what it is called with")
    .option("--id <workflow-id>", "its workflow id")
    .option("--host <id>", "the workflow host")
    .option(
      "--option <key=value>",
      "a start option by its name in Lua, such as workflow.start_delay=1m, repeatable",
      (value: string, previous: string[] | undefined) => [...previous ?? [], value],
    )
    .option("-w, --wait", "wait for its end and show its result")
    .option("--update <name>", "with --id: send an update to it, or to the open run of the id")
    .option(
      "--update-arg <value>",
      "what the update is called with, repeatable",
      (value: string, previous: string[] | undefined) => [...previous ?? [], value],
    )
    .option("--update-id <id>", "a second update with the same id is the same one")
    .option("--accepted", "wait only until the update is accepted")
    .addHelpText("after", values)
    .action(async (entry: string, args: string[], options: StartRunOptions) => {
      const { startRun } = await import("./actions.ts");
      finish(await startRun(here(), entry, args, options));
    });
  acting("result")
    .description("wait for the end of a workflow and show its result")
    .argument("<id>", "workflow id or PID")
    .action(async (id: string, options) => {
      const { awaitResult } = await import("./actions.ts");
      finish(await awaitResult(here(), id, options));
    });
  acting("signal")
    .description("send a signal")
    .argument("<id>", "workflow id or PID")
    .argument("<name>")
    .argument("[payloads...]")
    .addHelpText("after", values)
    .action(async (id: string, name: string, payloads: string[], options) => {
      const { signalRun } = await import("./actions.ts");
      finish(await signalRun(here(), id, name, payloads, options));
    });
  acting("query")
    .description("ask a run; nothing is recorded")
    .argument("<id>", "workflow id or PID")
    .argument("<name>")
    .argument("[args...]")
    .option("--run <run-id>", "this run, not the newest")
    .addHelpText("after", values)
    .action(async (id: string, name: string, args: string[], options) => {
      const { queryRun } = await import("./actions.ts");
      finish(await queryRun(here(), id, name, args, options));
    });
  acting("update")
    .description("send an update and show its outcome")
    .argument("<id>", "workflow id or PID")
    .argument("<name>")
    .argument("[args...]")
    .option("--update-id <id>", "a second one with the same id is the same update")
    .option("--accepted", "wait only until it is accepted")
    .addHelpText("after", values)
    .action(async (id: string, name: string, args: string[], options: UpdateOptions) => {
      const { updateRun } = await import("./actions.ts");
      finish(await updateRun(here(), id, name, args, options));
    });
  for (const verb of ["cancel", "terminate"] as const) {
    acting(verb)
      .description(verb === "cancel" ? "ask a run to end" : "close a run at once")
      .argument("<id>", "workflow id or PID")
      .option("--reason <text>", "is recorded")
      .action(async (id: string, options: ReasonOptions) => {
        const { endRun } = await import("./actions.ts");
        finish(await endRun(here(), verb, id, options));
      });
  }
  acting("reset")
    .description("begin a run anew at an earlier event")
    .argument("<id>", "workflow id or PID")
    .requiredOption("--event <number>", "undo the task that made or saw this event", count)
    .option("--run <run-id>", "this run, not the newest")
    .option("--reason <text>", "is recorded")
    .action(async (id: string, options: ResetOptions) => {
      const { resetRun } = await import("./actions.ts");
      finish(await resetRun(here(), id, options));
    });
  acting("retry")
    .description("try a blocked run again now")
    .argument("<id>", "workflow id or PID")
    .action(async (id: string, options) => {
      const { retryRun } = await import("./actions.ts");
      finish(await retryRun(here(), id, options));
    });

  reading("replay")
    .description("check whether the code on disk still does what histories say")
    .argument("[what...]", "workflow ids, PIDs or files that export wrote")
    .option("--all", "every run of the journal")
    .option("--status <status>", "with --all: only runs of this status")
    .option("--run <run-id>", "this run of the one workflow id given")
    .addHelpText("after", "\nExit status: 0 all fit, 1 one does not or cannot be read.")
    .action(async (what: string[], _options, command: Command) => {
      const { replay } = await import("./replay.ts");
      finish(await replay(here(), what, command.optsWithGlobals<ReplayOptions>()));
    });
}

/** Adds `wippy journal …`. */
export function addJournalCommands(program: Command, { here, finish }: Surrounding): void {
  const journal = program.command("journal").description("care for the journal of workflows");
  const command = (name: string) =>
    speaking(journal.command(name))
      .option("--journal <file>", "the file, where it is not the one in the state folder");
  command("check")
    .description("read all of it and tell what is wrong; also while a runtime writes to it")
    .addHelpText("after", "\nExit status: 0 nothing is wrong, 1 something is.")
    .action(async (options: JournalOptions) => {
      const { check } = await import("../journal.ts");
      finish(await check(here(), options));
    });
  command("backup")
    .description("write a copy of one moment; also while a runtime writes to it")
    .argument("<file>", "the copy; must not exist")
    .action(async (file: string, options: JournalOptions) => {
      const { backUp } = await import("../journal.ts");
      finish(await backUp(here(), file, options));
    });
  command("compact")
    .description("give back the space of removed runs; while no runtime runs")
    .action(async (options: JournalOptions) => {
      const { compact } = await import("../journal.ts");
      finish(await compact(here(), options));
    });
  command("migrate")
    .description("bring its schema up to date, as the next start would; while no runtime runs")
    .action(async (options: JournalOptions) => {
      const { migrate } = await import("../journal.ts");
      finish(await migrate(here(), options));
    });
}
