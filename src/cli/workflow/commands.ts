/**
 * The definitions of `wippy workflow …`.
 * @module
 */
import { type Command, Option } from "commander";
import { runStatuses } from "../../admin/run-status.ts";
import {
  argumentsHelp,
  collect,
  type CommandContext,
  itemCount,
  offlineHelp,
  wholeNumber,
  withConnection,
} from "../command.ts";
import type { ConnectOptions } from "../connection.ts";
import type { HistoryOptions, ListRunsOptions, RunChoice } from "./workflow.ts";
import type { MigrateOptions } from "./migrate.ts";
import type { DiffOptions } from "./diff.ts";
import type { ReplayOptions } from "./replay.ts";
import type { ReasonOptions, ResetOptions, StartRunOptions, UpdateOptions } from "./actions.ts";

const ofTemporal = "histories of this Temporal server, an address or the id of a temporal.client";

/** Adds `wippy workflow …`. */
export function addWorkflowCommands(program: Command, { here, finish }: CommandContext): void {
  const workflow = program.command("workflow")
    .description("inspect and control runs of workflows")
    .addHelpText(
      "after",
      "\nExit status: 0 success, 1 the command failed or the run closed with an error.",
    );
  const reading = (name: string) =>
    withConnection(workflow.command(name)).addHelpText("after", offlineHelp);
  const acting = (name: string) => withConnection(workflow.command(name));

  reading("list")
    .description("list runs, newest first")
    .addOption(new Option("--status <status>", "runs of this status").choices(runStatuses))
    .option("--id <workflow-id>", "runs of this workflow id")
    .option("--prefix <text>", "runs whose workflow id has this prefix")
    .option("--entry <id>", "runs of this entry")
    .option("--since <time>", "started at or after; a date, or a time ago such as 2h")
    .option("--until <time>", "started before")
    .option("--closed-since <time>", "closed at or after")
    .option("--closed-until <time>", "closed before")
    .option(
      "--attribute <key=value>",
      "runs with this search attribute, repeatable",
      collect,
    )
    .option("--host <id>", "runs of this workflow host")
    .option("-n, --limit <number>", "maximum number of items", itemCount, 50)
    .option("--after <cursor>", "continue after the previous page")
    .action(async (options: ListRunsOptions) => {
      const { listRuns } = await import("./workflow.ts");
      finish(await listRuns(here(), options));
    });
  reading("show")
    .description("show a run: its state, input, result and pending activities and timers")
    .argument("<id>", "workflow id or PID")
    .option("--run <run-id>", "this run (default: the newest)")
    .action(async (id: string, options: RunChoice) => {
      const { showRun } = await import("./workflow.ts");
      finish(await showRun(here(), id, options));
    });
  reading("history")
    .description("show the events of a run")
    .argument("<id>", "workflow id or PID")
    .option("--run <run-id>", "this run (default: the newest)")
    .option("--full", "with all recorded data")
    .option("-f, --follow", "wait for new events until the run closes")
    .action(async (id: string, options: HistoryOptions) => {
      const { showHistory } = await import("./workflow.ts");
      finish(await showHistory(here(), id, options));
    });
  reading("export")
    .description("export the history of a run as JSON, for replay")
    .argument("<id>", "workflow id or PID")
    .option("--run <run-id>", "this run (default: the newest)")
    .option("-o, --out <file>", "output file (default: standard output)")
    .action(async (id: string, options: RunChoice & { out?: string }) => {
      const { exportRun } = await import("./workflow.ts");
      finish(await exportRun(here(), id, options));
    });

  acting("start")
    .description("start a workflow")
    .argument("<entry>", "namespace:name of a workflow.lua")
    .argument("[args...]", "arguments")
    .option("--id <workflow-id>", "workflow id (default: generated)")
    .option("--host <id>", "the workflow host")
    .option(
      "--option <key=value>",
      "a start option by its name in Lua, such as workflow.start_delay=1m, repeatable",
      collect,
    )
    .option("-w, --wait", "wait until it closes and show its result")
    .option("--update <name>", "with --id: send an update to it, or to the open run with the id")
    .option(
      "--update-arg <value>",
      "argument of the update, repeatable",
      collect,
    )
    .option("--update-id <id>", "an update with the same id is delivered once")
    .option("--accepted", "wait only until the update is accepted")
    .addHelpText("after", argumentsHelp)
    .action(async (entry: string, args: string[], options: StartRunOptions) => {
      const { startRun } = await import("./actions.ts");
      finish(await startRun(here(), entry, args, options));
    });
  acting("result")
    .description("wait until a workflow closes and show its result")
    .argument("<id>", "workflow id or PID")
    .action(async (id: string, options: ConnectOptions) => {
      const { awaitResult } = await import("./actions.ts");
      finish(await awaitResult(here(), id, options));
    });
  acting("signal")
    .description("send a signal")
    .argument("<id>", "workflow id or PID")
    .argument("<name>")
    .argument("[payloads...]")
    .addHelpText("after", argumentsHelp)
    .action(async (id: string, name: string, payloads: string[], options: ConnectOptions) => {
      const { signalRun } = await import("./actions.ts");
      finish(await signalRun(here(), id, name, payloads, options));
    });
  acting("query")
    .description("query a run; nothing is recorded")
    .argument("<id>", "workflow id or PID")
    .argument("<name>")
    .argument("[args...]")
    .option("--run <run-id>", "this run (default: the newest)")
    .addHelpText("after", argumentsHelp)
    .action(async (id: string, name: string, args: string[], options: RunChoice) => {
      const { queryRun } = await import("./actions.ts");
      finish(await queryRun(here(), id, name, args, options));
    });
  acting("update")
    .description("send an update and show its outcome")
    .argument("<id>", "workflow id or PID")
    .argument("<name>")
    .argument("[args...]")
    .option("--update-id <id>", "an update with the same id is delivered once")
    .option("--accepted", "wait only until it is accepted")
    .addHelpText("after", argumentsHelp)
    .action(async (id: string, name: string, args: string[], options: UpdateOptions) => {
      const { updateRun } = await import("./actions.ts");
      finish(await updateRun(here(), id, name, args, options));
    });
  for (const verb of ["cancel", "terminate"] as const) {
    acting(verb)
      .description(verb === "cancel" ? "request cancellation of a run" : "terminate a run")
      .argument("<id>", "workflow id or PID")
      .option("--reason <text>", "recorded in the history")
      .action(async (id: string, options: ReasonOptions) => {
        const { endRun } = await import("./actions.ts");
        finish(await endRun(here(), verb, id, options));
      });
  }
  acting("reset")
    .description("reset a run to an earlier event")
    .argument("<id>", "workflow id or PID")
    .requiredOption(
      "--event <number>",
      "discard the task that produced or saw this event, and all later progress",
      wholeNumber(1, 999_999_999),
    )
    .option("--run <run-id>", "this run (default: the newest)")
    .option("--reason <text>", "recorded in the history")
    .action(async (id: string, options: ResetOptions) => {
      const { resetRun } = await import("./actions.ts");
      finish(await resetRun(here(), id, options));
    });
  acting("retry")
    .description("retry a blocked run now")
    .argument("<id>", "workflow id or PID")
    .action(async (id: string, options: ConnectOptions) => {
      const { retryRun } = await import("./actions.ts");
      finish(await retryRun(here(), id, options));
    });

  reading("replay")
    .description("check whether the code on disk matches recorded histories")
    .argument("[what...]", "workflow ids, PIDs or exported files")
    .option("--all", "every run in the journal")
    .addOption(
      new Option("--status <status>", "with --all: only runs of this status").choices(runStatuses),
    )
    .option("--run <run-id>", "this run of the given workflow id")
    .option("--temporal <server>", ofTemporal)
    .option("--namespace <name>", "with --temporal: its namespace (default: default)")
    .addHelpText("after", "\nExit status: 0 all match, 1 at least one differs or cannot be read.")
    .action(async (what: string[], _options, command: Command) => {
      const { replay } = await import("./replay.ts");
      finish(await replay(here(), what, command.optsWithGlobals<ReplayOptions>()));
    });

  reading("diff")
    .description("show where two runs part, with the line of code and the variables of each")
    .argument("<a>", "workflow id, PID or exported file")
    .argument("<b>", "workflow id, PID or exported file")
    .option("--run-a <run-id>", "this run of A (default: the newest)")
    .option("--run-b <run-id>", "this run of B (default: the newest)")
    .option("--temporal <server>", ofTemporal)
    .option("--namespace <name>", "with --temporal: its namespace (default: default)")
    .option("-n, --limit <number>", "maximum number of differences shown", itemCount, 3)
    .addHelpText("after", "\nExit status: 0 equal, 1 different, 2 a run or file cannot be read.")
    .action(async (a: string, b: string, options: DiffOptions) => {
      const { diff } = await import("./diff.ts");
      finish(await diff(here(), a, b, options));
    });

  acting("migrate")
    .description("move open runs from the journal to the application's Temporal worker")
    .option("--journal <file>", "the journal file (default: journal.db in the state folder)")
    .option("--host <id>", "the temporal.worker (default: the one with the id of the run's host)")
    .option("--restart-timers", "also runs that wait for a timer, which begins anew")
    .option("--dry-run", "only say what would be done")
    .addHelpText(
      "after",
      "\nRequires that no runtime is running. Runs move that can begin anew without doing anything twice; of every " +
        "other\none the output says why it stays. Exit status: 0 done, 1 it failed, or a run is closed here and not " +
        "started there:\nrun the command again.",
    )
    .action(async (_options, command: Command) => {
      const { migrate } = await import("./migrate.ts");
      finish(await migrate(here(), command.optsWithGlobals<MigrateOptions>()));
    });
}
