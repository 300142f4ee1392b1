import { closeSync } from "node:fs";
import { stat } from "node:fs/promises";
import { constants } from "node:os";
import type { OutputName } from "../../../operations/exec/requests.ts";
import { WippyError } from "../../../vm/error.ts";
import { Output, type OutputLimit } from "../output.ts";
import type { Command, Program } from "../program.ts";
import { findProgram } from "./find.ts";
import { openPipe, type Pipe } from "./pipe.ts";
import { guard, reaped, signalGroup } from "./group.ts";

type Child = Bun.Subprocess<"pipe", "pipe" | number, "pipe" | number>;

function internal(message: string, error?: unknown): WippyError {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return new WippyError("Internal", message, {
    retryable: false,
    cause: error,
    ...(code !== undefined && { details: { code } }),
  });
}

/** A program of this machine, in a process group of its own. */
export class NativeProgram implements Program {
  readonly early = true;
  readonly #command: Command & { directory: string };
  readonly #started = Promise.withResolvers<Child>();
  readonly #exited = Promise.withResolvers<number>();
  readonly #outputs: Record<OutputName, Output>;
  /** Where Bun does not make them. */
  readonly #pipes: Partial<Record<OutputName, Pipe>> = {};
  #inputClosed = false;

  constructor(command: Command & { directory: string }, limit: OutputLimit) {
    this.#command = command;
    // Nobody may ask before it has failed.
    this.#started.promise.catch(() => {});
    this.#exited.promise.catch(() => {});
    this.#outputs = {
      stdout: this.#output("stdout", limit),
      stderr: this.#output("stderr", limit),
    };
  }

  get exited(): Promise<number> {
    return this.#exited.promise;
  }

  #output(name: OutputName, limit: OutputLimit): Output {
    const next = this.#started.promise.then((child) => {
      const pipe = this.#pipes[name];
      if (pipe) return () => pipe.next();
      // A reader that is there from the start keeps Bun from reading all that comes into memory.
      const reader = (child[name] as ReadableStream<Uint8Array>).getReader();
      return async () => (await reader.read()).value;
    });
    next.catch(() => {});
    return new Output(async () => await (await next)(), limit);
  }

  async start(): Promise<void> {
    try {
      this.#started.resolve(await this.#spawn());
    } catch (error) {
      this.#started.reject(error);
      this.#exited.reject(error);
      throw error;
    }
  }

  async #spawn(): Promise<Child> {
    const { words, directory, env } = this.#command;
    const name = words[0]!;
    const isDirectory = await stat(directory).then((found) => found.isDirectory(), () => false);
    if (!isDirectory) throw internal(`start ${name}: work_dir ${directory} is not a directory`);
    const file = await findProgram(name, env["PATH"], directory);
    if (file === undefined) {
      throw internal(
        name.includes("/")
          ? `start ${name}: there is no such program`
          : `start ${name}: no such program in PATH; give its absolute path, or set PATH in default_env`,
      );
    }
    for (const output of ["stdout", "stderr"] as const) {
      const pipe = await openPipe();
      if (pipe) this.#pipes[output] = pipe;
    }
    const { stdout, stderr } = this.#pipes;
    try {
      const child = Bun.spawn([file, ...words.slice(1)], {
        // The name that the program sees stays that of the command.
        argv0: name,
        cwd: directory,
        env,
        stdin: "pipe",
        stdout: stdout?.end ?? "pipe",
        stderr: stderr?.end ?? "pipe",
        detached: true,
        onExit: (child, code, signal, error) => {
          reaped(child.pid);
          if (error) this.#exited.reject(internal(`${name}: ${error.message}`, error));
          else this.#exited.resolve(code ?? 128 + (constants.signals[signal as never] ?? 0));
        },
      });
      guard(child.pid);
      return child;
    } catch (error) {
      stdout?.close();
      stderr?.close();
      throw internal(`start ${name}: ${(error as Error).message}`, error);
    } finally {
      // The program has its ends.
      if (stdout) closeSync(stdout.end);
      if (stderr) closeSync(stderr.end);
    }
  }

  read(output: OutputName, size: number): Promise<Uint8Array> {
    return this.#outputs[output].read(size);
  }

  discard(output: OutputName): void {
    this.#outputs[output].discard();
  }

  #mustBeOpen(): void {
    if (!this.#inputClosed) return;
    throw new WippyError("Invalid", "the input of the program is closed", { retryable: false });
  }

  async write(data: Uint8Array): Promise<void> {
    const { stdin } = await this.#started.promise;
    this.#mustBeOpen();
    try {
      await stdin.write(data);
      await stdin.flush();
    } catch (error) {
      throw internal("the program does not read its input any more", error);
    }
  }

  async closeInput(): Promise<void> {
    const { stdin } = await this.#started.promise;
    this.#mustBeOpen();
    this.#inputClosed = true;
    try {
      await stdin.end();
    } catch {
      // The program has closed it, or has ended.
    }
  }

  async signal(number: number): Promise<void> {
    const { pid } = await this.#started.promise;
    if (!signalGroup(pid, number)) throw internal("the program has ended");
  }
}
