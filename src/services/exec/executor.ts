import type { ExecRequests } from "../../operations/exec/requests.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, ofKernel } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import { type Caller, type Figure, type Service, type Started, untilStopped } from "../service.ts";
import { splitCommand } from "./command.ts";
import { OutputLimit } from "./output.ts";
import type { Command, Program } from "./program.ts";
import { Run } from "./run.ts";

/** What all executors are told. */
export interface ExecutorSettings {
  default_env: Record<string, string>;
  command_whitelist: readonly string[];
  max_processes: number;
  max_output?: number | undefined;
  kill_after: number;
}

/** Makes a program of a command; nothing runs yet. */
export type MakeProgram = (command: Command, limit: OutputLimit) => Program;

interface Owned {
  run: Run;
  /** Ends the wait for the unit's worker to die. */
  forgotten: AbortController;
}

/** Runs the programs of units, and ends them with their units. */
export class Executor implements Service {
  readonly #context: ServiceContext;
  readonly #settings: ExecutorSettings;
  readonly #make: MakeProgram;
  readonly #life: Service;
  readonly #programs = new Map<number, Owned>();
  /** Those that were forgotten and have not ended yet. */
  readonly #ending = new Set<Run>();
  #last = 0;
  #started = 0;
  #stopped = false;

  constructor(context: ServiceContext, settings: ExecutorSettings, make: MakeProgram) {
    this.#context = context;
    this.#settings = settings;
    this.#make = make;
    this.#life = untilStopped({
      open: () => {
        this.#stopped = false;
      },
      close: () => this.#end(false),
      kill: () => this.#end(true),
    });
  }

  start(): Promise<Started> {
    return this.#life.start();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  kill(): Promise<void> {
    return this.#life.kill();
  }

  /** Programs that run. */
  get running(): number {
    return this.#ending.size +
      [...this.#programs.values()].filter(({ run }) => run.running).length;
  }

  async #end(force: boolean): Promise<void> {
    this.#stopped = true;
    const runs = [...this.#programs.values()].map(({ run }) => run);
    for (const number of [...this.#programs.keys()]) this.#forget(number);
    await Promise.all(
      [...runs, ...this.#ending].map(async (run) => {
        await run.end(force);
        await run.gone();
      }),
    );
  }

  async answer(operation: string, input: LuaValue, caller: Caller): Promise<LuaValue> {
    const request = this.#requests[operation as keyof ExecRequests];
    if (!request) {
      throw new WippyError("Internal", `an executor answers no ${operation}`, { retryable: false });
    }
    // The other side are the operations of the module `exec`.
    return await request(ofKernel<never>(input), caller) ?? true;
  }

  readonly #requests: {
    [Name in keyof ExecRequests]: (
      input: ExecRequests[Name],
      caller: Caller,
    ) => LuaValue | void | Promise<LuaValue | void>;
  } = {
    create: (input, { gone }) => this.#create(input, gone),
    start: ({ program }) => this.#start(this.#run(program)),
    wait: ({ program }, { signal }) => this.#run(program).wait(signal),
    take: ({ program, output }) => this.#run(program).take(output),
    drop: ({ program, output }) => this.#run(program).drop(output),
    read: ({ program, output, size }, { signal }) => this.#run(program).read(output, size, signal),
    write: ({ program, data }, { signal }) => this.#run(program).write(data, signal),
    signal: ({ program, signal }) => this.#run(program).signal(signal),
    close: async ({ program, force }) => {
      await this.#run(program).close(force);
      this.#forget(program);
    },
    end: async ({ program }) => {
      await this.#programs.get(program)?.run.end(false);
      this.#forget(program);
    },
  };

  #run(number: number): Run {
    const owned = this.#programs.get(number);
    if (owned) return owned.run;
    throw new WippyError("Invalid", "the program is closed", { retryable: false });
  }

  #create({ command, work_dir, env }: ExecRequests["create"], gone: AbortSignal): number {
    const { command_whitelist, default_env, max_output, kill_after } = this.#settings;
    if (command_whitelist.length > 0 && !command_whitelist.includes(command)) {
      const message = `command is not in the command_whitelist of ${this.#context.entry.id}: ` +
        command;
      throw new WippyError("Internal", message, { retryable: false });
    }
    const words = splitCommand(command);
    if (words.length === 0) {
      throw new WippyError("Invalid", "the command is empty", { retryable: false });
    }
    if (words.some((word) => word.includes("\0"))) {
      throw new WippyError("Invalid", "a command cannot hold a NUL byte", { retryable: false });
    }
    for (const [name, value] of Object.entries(env)) {
      if (name !== "" && !/[=\0]/.test(name) && !value.includes("\0")) continue;
      const message = `env: the name of a variable has neither = nor NUL, its value no NUL: ` +
        JSON.stringify(name);
      throw new WippyError("Invalid", message, { retryable: false });
    }
    const limit = new OutputLimit(max_output, () => void run.end(true));
    const program = this.#make({
      words,
      ...(work_dir !== undefined && work_dir !== "" && { directory: work_dir }),
      env: { ...default_env, ...env },
    }, limit);
    const run = new Run(program, this.#context.platform, kill_after);
    const number = this.#last += 1;
    const forgotten = new AbortController();
    this.#programs.set(number, { run, forgotten });
    const end = () => {
      void run.end(false);
      this.#forget(number);
    };
    gone.addEventListener("abort", end, { signal: forgotten.signal });
    if (gone.aborted) end();
    return number;
  }

  async #start(run: Run): Promise<void> {
    const { id } = this.#context.entry;
    if (this.#stopped) {
      throw new WippyError("Unavailable", `executor ${id} is stopped`, { retryable: true });
    }
    const { max_processes } = this.#settings;
    if (this.running >= max_processes) {
      const message = `executor ${id} runs ${max_processes} programs already; raise max_processes`;
      throw new WippyError("Unavailable", message, { retryable: true });
    }
    await run.start();
    this.#started += 1;
  }

  /** Its unit has no more to do with it. */
  #forget(number: number): void {
    const owned = this.#programs.get(number);
    if (!owned) return;
    this.#programs.delete(number);
    owned.forgotten.abort();
    if (!owned.run.running) return;
    this.#ending.add(owned.run);
    void owned.run.gone().then(() => this.#ending.delete(owned.run));
  }

  inspect(): LuaValue {
    return {
      running: this.running,
      max_processes: this.#settings.max_processes,
      started: this.#started,
    };
  }

  figures(): Figure[] {
    return [
      { name: "wippy_exec_programs", help: "Programs that run.", value: this.running },
      { name: "wippy_exec_started_total", help: "Programs started.", value: this.#started },
    ];
  }
}
