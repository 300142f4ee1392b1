import { type Command, Option } from "commander";
import { overlapPolicies, type OverlapPolicy } from "../../workflows/schedules/schedules.ts";
import type {
  BackfillOptions,
  CreateScheduleOptions,
  ListSchedulesOptions,
  ScheduleChoice,
  ScheduleTerms,
} from "./schedule.ts";
import {
  argumentsHelp,
  collect,
  type CommandContext,
  itemCount,
  offlineHelp,
  wholeNumber,
  withConnection,
} from "../command.ts";

function overlap(): Option {
  return new Option("--overlap <policy>", "what to do while a run is still open").choices(
    overlapPolicies,
  );
}

/** Flags of a schedule's times and policies. */
function terms(command: Command): Command {
  return command
    .option("--cron <expression>", 'such as "30 6 * * 1-5", repeatable', collect)
    .option("--every <duration[/offset]>", "such as 1h/15m, repeatable", collect)
    .option(
      "--time-zone <zone>",
      "time zone of the expressions, such as Europe/Oslo (default: UTC)",
    )
    .option("--start <time>", "ignore scheduled times before it")
    .option("--end <time>", "ignore scheduled times after it")
    .option("--jitter <duration>", "start up to this much later, at random")
    .addOption(overlap())
    .option(
      "--catchup-window <duration>",
      "how late a missed run may still start (default: one year)",
    )
    .option("--pause-on-failure", "pause if a run fails or times out")
    .option("--note <text>", "free text")
    .option(
      "--remaining <number>",
      "scheduled runs that it may still start",
      wholeNumber(0, 999_999_999),
    );
}

/** Adds `wippy schedule …`. */
export function addScheduleCommands(program: Command, { here, finish }: CommandContext): void {
  const schedule = program.command("schedule")
    .description("start workflows at certain times")
    .addHelpText("after", "\nExit status: 0 success, 1 failure.");
  const acting = (name: string) =>
    withConnection(schedule.command(name))
      .option("--host <id>", "workflow host, if several have a schedule of that id");
  const reading = (name: string) => acting(name).addHelpText("after", offlineHelp);

  reading("list")
    .description("list schedules, by id")
    .option("-n, --limit <number>", "maximum number of items", itemCount, 50)
    .option("--after <cursor>", "continue after the previous page")
    .action(async (options: ListSchedulesOptions) => {
      const { listSchedules } = await import("./schedule.ts");
      finish(await listSchedules(here(), options));
    });
  reading("show")
    .description("show a schedule: its action, recent runs and next times")
    .argument("<id>")
    .action(async (id: string, options: ScheduleChoice) => {
      const { showSchedule } = await import("./schedule.ts");
      finish(await showSchedule(here(), id, options));
    });
  terms(acting("create"))
    .description("create a schedule")
    .argument("<id>")
    .argument("<workflow>", "namespace:name of a workflow.lua")
    .argument("[args...]", "arguments of the workflow")
    .option("--workflow-id <text>", "prefix of the workflow ids (default: the id)")
    .option(
      "--option <key=value>",
      "a start option by its name in Lua, such as workflow.run_timeout=1h, repeatable",
      collect,
    )
    .option("--paused", "create it paused")
    .addHelpText("after", argumentsHelp)
    .action(
      async (id: string, workflow: string, args: string[], options: CreateScheduleOptions) => {
        const { createSchedule } = await import("./schedule.ts");
        finish(await createSchedule(here(), id, workflow, args, options));
      },
    );
  terms(acting("update"))
    .description(
      "change a schedule; flags of times replace all times, flags of policies all policies",
    )
    .argument("<id>")
    .action(async (id: string, options: ScheduleTerms) => {
      const { updateSchedule } = await import("./schedule.ts");
      finish(await updateSchedule(here(), id, options));
    });
  for (const verb of ["pause", "unpause"] as const) {
    acting(verb)
      .description(
        verb === "pause" ? "skip scheduled times from now on" : "act on scheduled times again",
      )
      .argument("<id>")
      .option("--note <text>", "free text; replaces the previous note")
      .action(async (id: string, options: ScheduleChoice & { note?: string }) => {
        const { pauseSchedule } = await import("./schedule.ts");
        finish(await pauseSchedule(here(), verb, id, options));
      });
  }
  acting("trigger")
    .description("start a run now, even if paused")
    .argument("<id>")
    .addOption(overlap())
    .action(async (id: string, options: ScheduleChoice & { overlap?: OverlapPolicy }) => {
      const { triggerSchedule } = await import("./schedule.ts");
      finish(await triggerSchedule(here(), id, options));
    });
  acting("backfill")
    .description("act on scheduled times of the past, even if paused")
    .argument("<id>")
    .requiredOption("--from <time>", "a date, or a time ago such as 2h")
    .option("--to <time>", "end of the period (default: now)")
    .addOption(overlap())
    .action(async (id: string, options: BackfillOptions) => {
      const { backfillSchedule } = await import("./schedule.ts");
      finish(await backfillSchedule(here(), id, options));
    });
  acting("delete")
    .description("delete a schedule; its runs continue")
    .argument("<id>")
    .action(async (id: string, options: ScheduleChoice) => {
      const { deleteSchedule } = await import("./schedule.ts");
      finish(await deleteSchedule(here(), id, options));
    });
}
