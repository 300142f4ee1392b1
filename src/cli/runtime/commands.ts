import { type Command, InvalidArgumentError, Option } from "commander";
import { type Role, roles } from "../../admin/role.ts";
import type { ConnectOptions } from "../connection.ts";
import type { FollowOptions } from "./logs.ts";
import type { PsOptions } from "./ps.ts";
import { count, speaking, type Surrounding } from "../workflow/commands.ts";

function level(text: string): string {
  if (["debug", "info", "warn", "error"].includes(text)) return text;
  throw new InvalidArgumentError("Write debug, info, warn or error.");
}

const values =
  "\nArguments are JSON where they are JSON (42, true, '{\"a\":1}', '\"42\"'), else text.";

/** Adds the commands that look into a running runtime. */
export function addRuntimeCommands(program: Command, { here, finish }: Surrounding): void {
  const command = (name: string) => speaking(program.command(name));

  command("status")
    .description("show a running runtime at a glance")
    .action(async (options: ConnectOptions) => {
      const { status } = await import("./runtime.ts");
      finish(await status(here(), options));
    });
  command("ps")
    .description("list running units: functions, processes, workflows in memory")
    .option("--entry <id>", "only those that run this entry")
    .option("--host <id>", "only those of this host")
    .option("-n, --limit <number>", "at most that many", count, 100)
    .option("-t, --tree", "as a tree, children below their parents")
    .option("-w, --watch", "again every second, until Ctrl+C")
    .action(async (options: PsOptions) => {
      const { ps } = await import("./ps.ts");
      finish(await ps(here(), options));
    });
  command("top")
    .description("show the busiest units, again every second, until Ctrl+C or q")
    .action(async (options: ConnectOptions) => {
      const { top } = await import("./top.ts");
      finish(await top(here(), options, process));
    });
  command("call")
    .description("call a function of a running runtime and show its result")
    .argument("<function>", "namespace:name")
    .argument("[args...]")
    .addHelpText("after", values)
    .action(async (id: string, args: string[], options: ConnectOptions) => {
      const { call } = await import("./runtime.ts");
      finish(await call(here(), id, args, options));
    });
  command("send")
    .description("send a message to a process, or a signal to a workflow")
    .argument("<target>", "PID or registered name")
    .argument("<topic>")
    .argument("[payloads...]")
    .addHelpText("after", values)
    .action(async (target: string, topic: string, payloads: string[], options: ConnectOptions) => {
      const { send } = await import("./runtime.ts");
      finish(await send(here(), target, topic, payloads, options));
    });
  for (const verb of ["cancel", "kill"] as const) {
    command(verb)
      .description(verb === "cancel" ? "ask a unit to end" : "end a unit by force")
      .argument("<pid>")
      .action(async (pid: string, options: ConnectOptions) => {
        const { end } = await import("./runtime.ts");
        finish(await end(here(), verb, pid, options));
      });
  }
  command("logs")
    .description("show the last lines of the log")
    .option("-f, --follow", "and what is logged from now on")
    .option("-n, --lines <number>", "at most that many, up to 1000", count, 50)
    .option("--level <level>", "this level and above: debug, info, warn, error", level)
    .option("--text <text>", "only lines that hold this text")
    .option("--unit <name>", "only this PID, entry or logger")
    .action(async (options: FollowOptions) => {
      const { showLogs } = await import("./logs.ts");
      finish(await showLogs(here(), options));
    });
  const token = program.command("token").description("who may use the admin server");
  speaking(token.command("create"))
    .description("make a token; it is shown only once")
    .argument("<name>", "what it is for")
    .addOption(
      new Option("--role <role>", "viewer looks, operator acts, admin does everything")
        .choices(roles).default("viewer"),
    )
    .action(async (name: string, options: ConnectOptions & { role: Role }) => {
      const { createToken } = await import("./token.ts");
      finish(createToken(here(), name, options));
    });
  speaking(token.command("list"))
    .description("list tokens; the owner's is the file admin-token")
    .action(async (options: ConnectOptions) => {
      const { listTokens } = await import("./token.ts");
      finish(listTokens(here(), options));
    });
  speaking(token.command("revoke"))
    .description("make a token worthless at once")
    .argument("<name>")
    .action(async (name: string, options: ConnectOptions) => {
      const { revokeToken } = await import("./token.ts");
      finish(revokeToken(here(), name, options));
    });
  command("stop")
    .description("end a running runtime in order")
    .action(async (options: ConnectOptions) => {
      const { stop } = await import("./runtime.ts");
      finish(await stop(here(), options));
    });
}
