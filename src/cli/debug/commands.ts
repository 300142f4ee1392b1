/**
 * The definition of `wippy debug`.
 * @module
 */
import type { Command } from "commander";
import { type CommandContext, wholeNumber } from "../command.ts";
import type { DebugOptions } from "./launch.ts";
import type { WasmOptions } from "./wasm.ts";

/** Adds `wippy debug` and what is below it. */
export function addDebugCommand(program: Command, { here, finish }: CommandContext): void {
  const debugging = program.command("debug")
    .description("debug applications and scripts from an editor (Debug Adapter Protocol)")
    .option("--run <id>", "workflow run to go through, or a file of wippy workflow export")
    .option("--test <file>", "file or folder of tests to debug")
    .option("--filter <text>", "only tests whose groups and name contain the text")
    .option("--attach", "debug the runtime that runs, started with --debuggable")
    .option("--state <directory>", "state folder of that runtime (default: .wippy)")
    .action(async (_options, command: Command) => {
      const { debug } = await import("./debug.ts");
      finish(await debug(here(), process, command.optsWithGlobals<DebugOptions>()));
    });
  debugging.command("wasm")
    .description("show what the functions of an entry become when they are compiled to WebAssembly")
    .argument("<entry>", "Lua entry of the application")
    .option("--line <number>", "only the function around that line", wholeNumber(1, 1_000_000))
    .option("--json", "print JSON")
    .action(async (entry: string, _options, command: Command) => {
      const { showWasm } = await import("./wasm.ts");
      finish(await showWasm(here(), entry, command.optsWithGlobals<WasmOptions>()));
    });
}
