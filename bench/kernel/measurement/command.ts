/**
 * Runs programs for the benches: wippy itself, out of dist/ where it is built, and peers.
 * @module
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../../..");
const built = join(root, "dist/wippy");

/** The words that start wippy: the executable, else the sources. */
export const wippy: readonly string[] = existsSync(built)
  ? [built]
  : [process.execPath, join(root, "src/main.ts")];

/** A folder that is removed when the bench ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wippy-bench-"));
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

/** The words that start Erlang with a compiled module; undefined without Erlang. */
export function compileErlang(source: string, schedulers = 1): string[] | undefined {
  if (!Bun.which("erlc") || !Bun.which("erl")) return undefined;
  const folder = temporaryFolder();
  outputOf(["erlc", "-o", folder, source]);
  return ["erl", "+S", `${schedulers}:${schedulers}`, "-noshell", "-pa", folder];
}
