import { type Command, Option } from "commander";
import { overlapPolicies, type OverlapPolicy } from "../../workflows/schedules/schedules.ts";
import type {
  BackfillOptions,
  CreateScheduleOptions,
  ListSchedulesOptions,
  ScheduleChoice,
  ScheduleTerms,
} from "./schedule.ts";
import { count, speaking, type Surrounding } from "../workflow/commands.ts";

const offline =
  "\nSpeaks to the running runtime; where none runs, it reads the journal in the state folder.";

function several(value: string, previous: string[] | undefined): string[] {
  return [...previous ?? [], value];
}

function overlap(): Option {
  return new Option("--overlap <policy>", "while a run is open").choices(overlapPolicies);
}

/** Flags that say when a schedule matches, and by which policies. */
function terms(command: Command): Command {
  return command
    .option("--cron <expression>", 'such as "30 6 * * 1-5", repeatable', several)
    .option("--every <duration[/offset]>", "such as 1h/15m, repeatable", several)
    .option("--time-zone <zone>", "of the expressions, such as Europe/Oslo (default: UTC)")
    .option("--start <time>", "matches before it do not count")
    .option("--end <time>", "matches after it do not count")
    .option("--jitter <duration>", "act up to so much later")
    .addOption(overlap())
    .option("--catchup-window <duration>", "how late a match is made up for (default: a year)")
    .option("--pause-on-failure", "pause when a run fails or times out")
    .option("--note <text>", "for people")
    .option("--remaining <number>", "runs that it may start by itself", count);
}

/** Adds `wippy schedule …`. */
export function addScheduleCommands(program: Command, { here, finish }: Surrounding): void {
  const schedule = program.command("schedule")
    .description("start workflows at certain times")
    .addHelpText("after", "\nExit status: 0 done, 1 it failed.");
  const acting = (name: string) =>
    speaking(schedule.command(name))
      .option("--host <id>", "the workflow host, where several have the schedule");
  const reading = (name: string) => acting(name).addHelpText("after", offline);

  reading("list")
    .description("list schedules, by id")
    .option("-n, --limit <number>", "at most that many", count, 50)
    .option("--after <cursor>", "go on where the page before ended")
    .action(async (options: ListSchedulesOptions) => {
      const { listSchedules } = await import("./schedule.ts");
      finish(await listSchedules(here(), options));
    });
  reading("show")
    .description("show a schedule: what it starts, has started and is going to start")
    .argument("<id>")
    .action(async (id: string, options: ScheduleChoice) => {
      const { showSchedule } = await import("./schedule.ts");
      finish(await showSchedule(here(), id, options));
    });
  terms(acting("create"))
    .description("make a schedule")
    .argument("<id>")
    .argument("<workflow>", "namespace:name of a workflow.lua")
    .argument("[args...]", "what it is called with")
    .option("--workflow-id <text>", "what the workflow ids begin with (default: the id)")
    .option(
      "--option <key=value>",
      "a start option by its name in Lua, such as workflow.run_timeout=1h, repeatable",
      several,
    )
    .option("--paused", "it begins paused")
    .addHelpText(
      "after",
      "\nArguments are JSON where they are JSON (42, true, '{\"a\":1}', '\"42\"'), else text.",
    )
    .action(
      async (id: string, workflow: string, args: string[], options: CreateScheduleOptions) => {
        const { createSchedule } = await import("./schedule.ts");
        finish(await createSchedule(here(), id, workflow, args, options));
      },
    );
  terms(acting("update"))
    .description("change what is given; flags of when, and of policies, replace all of them")
    .argument("<id>")
    .action(async (id: string, options: ScheduleTerms) => {
      const { updateSchedule } = await import("./schedule.ts");
      finish(await updateSchedule(here(), id, options));
    });
  for (const verb of ["pause", "unpause"] as const) {
    acting(verb)
      .description(verb === "pause" ? "leave matches out from now on" : "act on matches again")
      .argument("<id>")
      .option("--note <text>", "for people; replaces the one before")
      .action(async (id: string, options: ScheduleChoice & { note?: string }) => {
        const { pauseSchedule } = await import("./schedule.ts");
        finish(await pauseSchedule(here(), verb, id, options));
      });
  }
  acting("trigger")
    .description("start a run now, also when paused")
    .argument("<id>")
    .addOption(overlap())
    .action(async (id: string, options: ScheduleChoice & { overlap?: OverlapPolicy }) => {
      const { triggerSchedule } = await import("./schedule.ts");
      finish(await triggerSchedule(here(), id, options));
    });
  acting("backfill")
    .description("act on matches of the past, also when paused")
    .argument("<id>")
    .requiredOption("--from <time>", "a date, or a span ago such as 2h")
    .option("--to <time>", "likewise (default: now)")
    .addOption(overlap())
    .action(async (id: string, options: BackfillOptions) => {
      const { backfillSchedule } = await import("./schedule.ts");
      finish(await backfillSchedule(here(), id, options));
    });
  acting("delete")
    .description("remove a schedule; its runs go on")
    .argument("<id>")
    .action(async (id: string, options: ScheduleChoice) => {
      const { deleteSchedule } = await import("./schedule.ts");
      finish(await deleteSchedule(here(), id, options));
    });
}
