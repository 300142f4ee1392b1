import { constants } from "node:os";
import type { LuaValue } from "../../../vm/value.ts";
import { standardError, standardOutput } from "../output.ts";
import type { Closable } from "../../resources.ts";
import { SystemError } from "./failure.ts";
import { drainFiles } from "./file.ts";

/** What was written so far has to stand before what the command writes. */
function drainAll(): void {
  drainFiles();
  standardOutput.drain();
  standardError.drain();
}

/** How a command ended, in the three values of Lua's `os.execute`. */
function ending(code: number | null, signal: string | number | null | undefined): LuaValue {
  if (signal) {
    const numbers = constants.signals as Record<string, number | undefined>;
    return { how: "signal", code: typeof signal === "number" ? signal : numbers[signal] ?? 0 };
  }
  return { how: "exit", code: code ?? 1 };
}

const inherited = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;

/** Runs a command of the shell with the streams of this program, and waits for its end. */
export async function execute(
  command: string,
  directory: string,
  signal: AbortSignal,
): Promise<LuaValue> {
  drainAll();
  const child = Bun.spawn(["/bin/sh", "-c", command], { cwd: directory, signal, ...inherited });
  await child.exited;
  return ending(child.exitCode, child.signalCode);
}

/** The same, while everything else in this thread waits. */
export function executeNow(command: string, directory: string): LuaValue {
  drainAll();
  const { exitCode, signalCode } = Bun.spawnSync(["/bin/sh", "-c", command], {
    cwd: directory,
    ...inherited,
  });
  return ending(exitCode, signalCode);
}

/** A command that runs beside the unit, which reads its output or writes its input. */
export class Command implements Closable {
  readonly #reads: boolean;
  readonly #child: Bun.Subprocess<"pipe" | "inherit", "pipe" | "inherit", "inherit">;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #rest: Uint8Array = new Uint8Array(0);

  /** @param mode `r` reads its output, `w` writes its input */
  constructor(command: string, mode: string, directory: string) {
    drainAll();
    this.#reads = mode === "r";
    this.#child = Bun.spawn(["/bin/sh", "-c", command], {
      cwd: directory,
      stdin: this.#reads ? "inherit" : "pipe",
      stdout: this.#reads ? "pipe" : "inherit",
      stderr: "inherit",
    });
    const { stdout } = this.#child;
    if (stdout instanceof ReadableStream) this.#reader = stdout.getReader();
  }

  /** Up to `limit` bytes of its output; none at the end. */
  async read(limit: number): Promise<Uint8Array> {
    if (!this.#reader) throw new SystemError("EBADF");
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) break;
      this.#rest = value;
    }
    const bytes = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  /** Writes to its input. */
  async write(data: Uint8Array): Promise<void> {
    const { stdin } = this.#child;
    if (typeof stdin !== "object" || stdin === null) throw new SystemError("EBADF");
    stdin.write(data);
    await stdin.flush();
  }

  /** Ends its input, or reads no more of its output, and waits for its end. */
  async finish(): Promise<LuaValue> {
    const { stdin } = this.#child;
    if (typeof stdin === "object" && stdin !== null) await stdin.end();
    await this.#reader?.cancel().catch(() => {});
    await this.#child.exited;
    return ending(this.#child.exitCode, this.#child.signalCode);
  }

  /** The unit has ended: its command gets no more input, and is asked to end when it would write. */
  close(): void {
    if (this.#reads) this.#child.kill();
    else void this.finish().catch(() => {});
  }
}
