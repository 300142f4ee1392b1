/**
 * The definitions of the commands that inspect and control a running runtime.
 * @module
 */
import { type Command, Option } from "commander";
import { type Role, roles } from "../../admin/role.ts";
import type { ConnectOptions } from "../connection.ts";
import type { FollowOptions } from "./logs.ts";
import type { PsOptions } from "./ps.ts";
import {
  argumentsHelp,
  type CommandContext,
  itemCount,
  wholeNumber,
  withConnection,
} from "../command.ts";

/** Adds the commands that inspect and control a running runtime. */
export function addRuntimeCommands(program: Command, { here, finish }: CommandContext): void {
  const command = (name: string) => withConnection(program.command(name));

  command("status")
    .description("show a summary of a running runtime")
    .action(async (options: ConnectOptions) => {
      const { status } = await import("./runtime.ts");
      finish(await status(here(), options));
    });
  command("ps")
    .description("list running units: functions, processes, workflows in memory")
    .option("--entry <id>", "only units of this entry")
    .option("--host <id>", "only units of this host")
    .option("-n, --limit <number>", "maximum number of units", itemCount, 100)
    .option("-t, --tree", "as a tree, children below their parents")
    .option("-w, --watch", "refresh every second, until Ctrl+C")
    .action(async (options: PsOptions) => {
      const { ps } = await import("./ps.ts");
      finish(await ps(here(), options));
    });
  command("top")
    .description("show the busiest units, refreshed every second, until Ctrl+C or q")
    .action(async (options: ConnectOptions) => {
      const { top } = await import("./top.ts");
      finish(await top(here(), options, process));
    });
  command("call")
    .description("call a function of a running runtime and show its result")
    .argument("<function>", "namespace:name")
    .argument("[args...]")
    .addHelpText("after", argumentsHelp)
    .action(async (id: string, args: string[], options: ConnectOptions) => {
      const { call } = await import("./runtime.ts");
      finish(await call(here(), id, args, options));
    });
  command("send")
    .description("send a message to a process, or a signal to a workflow")
    .argument("<target>", "PID or registered name")
    .argument("<topic>")
    .argument("[payloads...]")
    .addHelpText("after", argumentsHelp)
    .action(async (target: string, topic: string, payloads: string[], options: ConnectOptions) => {
      const { send } = await import("./runtime.ts");
      finish(await send(here(), target, topic, payloads, options));
    });
  for (const verb of ["cancel", "kill"] as const) {
    command(verb)
      .description(verb === "cancel" ? "request cancellation of a unit" : "terminate a unit")
      .argument("<pid>")
      .action(async (pid: string, options: ConnectOptions) => {
        const { end } = await import("./runtime.ts");
        finish(await end(here(), verb, pid, options));
      });
  }
  command("logs")
    .description("show the newest log records")
    .option("-f, --follow", "wait for new records")
    .option("-n, --lines <number>", "maximum number of lines, up to 1000", wholeNumber(1, 1000), 50)
    .addOption(
      new Option("--level <level>", "this level and above")
        .choices(["debug", "info", "warn", "error"]),
    )
    .option("--text <text>", "only records that contain this text")
    .option("--unit <name>", "only this PID, entry or logger")
    .action(async (options: FollowOptions) => {
      const { showLogs } = await import("./logs.ts");
      finish(await showLogs(here(), options));
    });
  const token = program.command("token").description("manage access tokens of the admin server");
  withConnection(token.command("create"))
    .description("create a token; it is shown only once")
    .argument("<name>", "name of the token")
    .addOption(
      new Option("--role <role>", "viewer: read; operator: also act; admin: everything")
        .choices(roles).default("viewer"),
    )
    .action(async (name: string, options: ConnectOptions & { role: Role }) => {
      const { createToken } = await import("./token.ts");
      finish(createToken(here(), name, options));
    });
  withConnection(token.command("list"))
    .description("list tokens, except the owner's in the file admin-token")
    .action(async (options: ConnectOptions) => {
      const { listTokens } = await import("./token.ts");
      finish(listTokens(here(), options));
    });
  withConnection(token.command("revoke"))
    .description("revoke a token at once")
    .argument("<name>")
    .action(async (name: string, options: ConnectOptions) => {
      const { revokeToken } = await import("./token.ts");
      finish(revokeToken(here(), name, options));
    });
  command("stop")
    .description("stop a running runtime")
    .action(async (options: ConnectOptions) => {
      const { stop } = await import("./runtime.ts");
      finish(await stop(here(), options));
    });
}
