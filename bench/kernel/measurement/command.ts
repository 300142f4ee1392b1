/**
 * Runs programs for the benches: wippy itself, out of dist/ where it is built, and peers.
 * @module
 */
import type { Subprocess } from "bun";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../../..");
const built = process.env["WIPPY_BENCH_EXECUTABLE"] ?? join(root, "dist/wippy");

/** The words that start wippy: the executable, else the sources. */
export const wippy: readonly string[] = existsSync(built)
  ? [built]
  : [process.execPath, join(root, "src/main.ts")];

// So that what is to be tidied up at the exit is tidied up then too.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

/** A folder that is removed when the bench ends; in memory where that is asked for and can be had. */
export function temporaryFolder(where: "disk" | "memory" = "disk"): string {
  const memory = "/dev/shm";
  const parent = where === "memory" && existsSync(memory) ? memory : tmpdir();
  const folder = mkdtempSync(join(parent, "wippy-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a program printed on standard output. Throws with its standard error when it failed. */
export function outputOf(command: readonly string[], folder?: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    ...(folder === undefined ? {} : { cwd: folder }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  if (exitCode !== 0) {
    throw new Error(`${command.join(" ")} ended with status ${exitCode}\n${stderr}`);
  }
  return stdout.toString();
}

/** The JSON value that a program printed. */
export function answerOf<T>(command: readonly string[], folder?: string): T {
  return JSON.parse(outputOf(command, folder)) as T;
}

/** A program that says by lines how far it is, and goes on by a line. */
export class Conversation {
  readonly #child: Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;

  constructor(command: readonly string[]) {
    this.#child = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    process.once("exit", this.#kill);
    this.#lines = this.#read();
  }

  /** Waits for a line. @throws when the program says something else, or ends */
  async hear(expected: string): Promise<void> {
    const { value } = await this.#lines.next();
    if (value !== expected) throw new Error(`the program said "${value}", not "${expected}"`);
  }

  /** Lets the program go on. */
  answer(): void {
    this.#child.stdin.write("\n");
    this.#child.stdin.flush();
  }

  /** Bytes of the program's memory that are resident. */
  get residentBytes(): number {
    return 1024 * Number(outputOf(["ps", "-o", "rss=", "-p", `${this.#child.pid}`]));
  }

  /** Lets the program end, and waits for it. @throws when it failed */
  async end(): Promise<void> {
    this.answer();
    const status = await this.#child.exited;
    process.off("exit", this.#kill);
    if (status !== 0) throw new Error(`the program ended with status ${status}`);
  }

  readonly #kill = () => this.#child.kill("SIGKILL");

  async *#read(): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  }
}

/** The words that start Erlang with a compiled module; undefined without Erlang. */
export function compileErlang(source: string, schedulers = 1): string[] | undefined {
  if (!Bun.which("erlc") || !Bun.which("erl")) return undefined;
  const folder = temporaryFolder();
  outputOf(["erlc", "-o", folder, source]);
  return ["erl", "+S", `${schedulers}:${schedulers}`, "-noshell", "-pa", folder];
}
