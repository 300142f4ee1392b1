import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Config } from "../../app/config.ts";
import { promptEntries, script } from "../../app/script.ts";
import { replHistoryFile } from "../../app/state-folder.ts";
import { separatePrints } from "../../observe/log.ts";
import type { Evaluation, ReplSession } from "../../node/repl.ts";
import type { Console } from "../terminal/terminal.ts";
import { createLog } from "../run/logging.ts";
import { memoryLimit } from "../run/memory-limit.ts";
import { History } from "./history.ts";
import { LineInput, type LineOptions } from "./input.ts";
import type { ScriptOptions } from "../run/script.ts";
import { banner } from "../terminal/version.ts";

/** The terminal was closed, or somebody ends the program. */
const endSignals = ["SIGHUP", "SIGTERM"] as const;

const help =
  `Type Lua: the value of an expression is shown, and is "_" in the next line; what is global stays.
Code may take several lines. The modules are there: time, funcs, process, fs, json, …

  function functions.add(a, b) return a + b end          then: funcs.call("script:add", 1, 2)
  function processes.hello() print("hello") end          then: process.spawn("script:hello", "script:processes")
  function workflows.order(id) time.sleep("1s") return id end
                                                         then: workflow.execute("script:order", 17)

Tab completes. Ctrl+C drops a line, or ends what runs. Ctrl+D or .exit ends the session.
`;

/**
 * `wippy repl`: a prompt for Lua. The streams are those of the program.
 *
 * @returns 0; where no person types, 1 when any of the code failed or its end is missing
 */
export async function repl(
  console: Console,
  options: ScriptOptions,
  streams: Pick<LineOptions, "stdin" | "stdout" | "stderr">,
): Promise<number> {
  const temporary = options.state === undefined ? mkdtempSync(join(tmpdir(), "wippy-repl-")) : "";
  const state = temporary || resolve(console.directory, options.state!);
  try {
    return await new Repl(console, options, streams).run(state);
  } finally {
    if (temporary !== "") remove(temporary);
  }
}

/** The journal's thread may still be putting its files away. */
function remove(folder: string): void {
  for (let attempt = 0; attempt < 20 && existsSync(folder); attempt++) {
    if (attempt > 0) Bun.sleepSync(10);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Repl {
  readonly #console: Console;
  readonly #options: ScriptOptions;
  readonly #input: LineInput;
  readonly #history: History;
  #repl: ReplSession | undefined;
  #running = false;
  #cleared = false;
  #interrupted = false;
  /** Something that was run failed. */
  #failed = false;
  /** The session has ended: what still runs is of no interest. */
  #over = false;

  constructor(
    console: Console,
    options: ScriptOptions,
    streams: Pick<LineOptions, "stdin" | "stdout" | "stderr">,
  ) {
    this.#console = console;
    this.#options = options;
    this.#history = new History(replHistoryFile(console.system));
    this.#input = new LineInput({
      ...streams,
      history: streams.stdin.isTTY ? this.#history.load() : [],
      complete: (text) => this.#repl?.complete(text) ?? Promise.resolve([]),
      written: (line) => this.#history.add(line),
      interrupted: (writing) => this.#interrupt(writing),
    });
  }

  async run(state: string): Promise<number> {
    const { Node } = await import("../../node/node.ts");
    const { sandbox } = this.#options;
    const log = createLog(this.#console, this.#options, Config.empty, true);
    const node = await Node.start({
      entries: promptEntries({
        ...(sandbox && { sandbox }),
        system: this.#console.system,
        journal: join(state, "journal.db"),
      }),
      config: Config.empty,
      directory: this.#console.directory,
      stateDir: state,
      // What is defined at the prompt is known to one VM.
      workers: 1,
      inline: true,
      output: (to, data) => to === 1 ? this.#input.write(data) : this.#console.err(data),
      log: separatePrints((text) => this.#input.write(text), log),
      terminal: this.#input,
      memoryLimit: memoryLimit(this.#options.memoryLimit, this.#console),
    });
    const onInterrupt = () => this.#interrupt(false);
    const ended = Promise.withResolvers<number>();
    const onEnd = () => ended.resolve(0);
    process.on("SIGINT", onInterrupt);
    for (const signal of endSignals) process.on(signal, onEnd);
    try {
      await node.launch();
      this.#repl = await node.prompt(script.main, script.terminal, (why) => {
        this.#input.write(`the process of the prompt ended: ${why}; there is a new one\n`);
      });
      if (this.#input.interactive) {
        this.#input.write(`${banner()}, Lua 5.4. Type .help for help, .exit to end.\n`);
      }
      return await Promise.race([this.#session(this.#repl), node.done, ended.promise]);
    } finally {
      this.#over = true;
      process.off("SIGINT", onInterrupt);
      for (const signal of endSignals) process.off(signal, onEnd);
      this.#input.close();
      await this.#repl?.close();
      await node.stop();
    }
  }

  async #session(prompt: ReplSession): Promise<number> {
    let code = "";
    for (;;) {
      const line = await this.#input.next(code === "" ? "> " : ">> ");
      if (line === undefined) {
        if (this.#input.interactive) this.#input.write("\n");
        else if (code !== "") {
          this.#failed = true;
          this.#input.writeError(`the input ends within: ${code.split("\n", 1)[0]}\n`);
        }
        return this.#status();
      }
      if (this.#cleared) {
        this.#cleared = false;
        code = "";
        continue;
      }
      if (code === "" && /^\s*\.\w+\s*$/.test(line)) {
        if (line.trim() === ".exit") return this.#status();
        this.#input.write(help);
        continue;
      }
      code = code === "" ? line : `${code}\n${line}`;
      this.#running = true;
      const result = await prompt.evaluate(code);
      this.#running = false;
      if (this.#over) return 0;
      if (this.#interrupted && result.error !== undefined) result.error = "interrupted";
      this.#interrupted = false;
      if (result.incomplete) continue;
      code = "";
      this.#show(result);
    }
  }

  /** A person has seen the errors; a program that writes the lines looks at the exit status. */
  #status(): number {
    return this.#failed && !this.#input.interactive ? 1 : 0;
  }

  #show({ values = [], error, trace = [] }: Evaluation): void {
    if (error !== undefined) {
      this.#failed = true;
      const places = trace.length > 1 ? trace.map((place) => `    ${place}\n`).join("") : "";
      this.#input.writeError(`${error}\n${places}`);
    }
    for (const value of values) this.#input.write(`${value}\n`);
  }

  #interrupt(writing: boolean): void {
    if (this.#running) {
      this.#interrupted = true;
      void this.#repl?.interrupt().catch(() => {});
    } else if (writing) {
      this.#cleared = true;
      this.#input.clear();
    }
  }
}
