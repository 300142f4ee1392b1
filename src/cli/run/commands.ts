/**
 * The definitions of `wippy run`, `serve` and of scripts.
 * @module
 */
import { type Command, Option } from "commander";
import { packSuffix } from "../../app/pack/name.ts";
import { collect, type CommandContext, wholeNumber, withSources, withWorkers } from "../command.ts";
import { CommandError } from "../terminal/terminal.ts";
import type { ScriptOptions } from "./script.ts";
import type { ServeOptions } from "./serve.ts";
import type { RunOptions } from "./start.ts";

/** Adds `wippy run`, `serve` and the hidden command that runs scripts. */
export function addRunCommands(program: Command, { here, finish }: CommandContext): void {
  withWorkers(withSources(program.command("run")))
    .description("run the application, or a command of it")
    .argument("[command]", "a named command, which run list shows, or a pack: FILE.wapp")
    .argument("[args...]", "its arguments; put -- before arguments that look like flags")
    .option("-x, --exec <id>", "run this process on a terminal host, then exit")
    .option("--host <id>", "terminal host of the command, if there are several")
    .option("--state <directory>", "state folder of the runtime (default: .wippy)")
    .option("--watch", "reload files that change")
    .option("--debuggable", "let wippy debug --attach in, over the local socket")
    .addOption(new Option("--debugger", "wait for the debugger").hideHelp())
    .action(async (name: string | undefined, rest: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<RunOptions>();
      if (name === "list" && options.exec === undefined) {
        const { listCommands } = await import("./list.ts");
        return finish(await listCommands(here(), options));
      }
      if (options.exec === undefined && name?.endsWith(".lua")) {
        const { runScript } = await import("./script.ts");
        return finish(await runScript(here(), name, rest, options));
      }
      const { run } = await import("./run.ts");
      finish(await run(here(), name, rest, options));
    });

  withWorkers(withSources(program.command("serve")))
    .description("run the application with the admin server")
    .argument("[pack]", "a pack to run instead of the application of the directory: FILE.wapp")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port; 0 chooses a free one", wholeNumber(0, 65_535), 7777)
    .option("--allow-host <name>", "additional host name of this server, repeatable", collect)
    .option("--tls-cert <file>", "certificate, in PEM")
    .option("--tls-key <file>", "private key, in PEM")
    .option("--insecure", "listen on other addresses without TLS, behind a proxy that adds it")
    .option("--state <directory>", "state folder of the runtime (default: .wippy)")
    .option("--watch", "reload files that change")
    .option("--debuggable", "let wippy debug --attach in, over the local socket")
    .action(async (pack: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<RunOptions & ServeOptions>();
      const [{ run }, { checkServe }] = await Promise.all([
        import("./run.ts"),
        import("./serve.ts"),
      ]);
      checkServe(options);
      if (pack !== undefined && !pack.endsWith(packSuffix)) {
        throw new CommandError(
          `${pack} is not a pack`,
          "name a file that ends in .wapp, or nothing; -C names a directory",
        );
      }
      // --host of run names a terminal host; here it is an address.
      const { host: _, ...rest } = options;
      finish(await run(here(), pack, [], rest, options));
    });

  withWorkers(program.command("script", { hidden: true }))
    .argument("[args...]")
    .option("-e, --eval <code>", "run this instead of a file")
    .option("--sandbox", "without files, network, programs and environment variables")
    .option("--state <directory>", "where its workflow runs are stored")
    .addOption(new Option("--debugger", "wait for the debugger").hideHelp())
    .action(async (args: string[], _options, command: Command) => {
      const { runCode, runScript } = await import("./script.ts");
      const options = command.optsWithGlobals<ScriptOptions>();
      if (options.eval !== undefined) {
        return finish(await runCode(here(), options.eval, args, options));
      }
      const [file, ...rest] = args;
      if (file === undefined) throw new CommandError("no script given", "write wippy FILE.lua");
      finish(await runScript(here(), file, rest, options));
    });
}
