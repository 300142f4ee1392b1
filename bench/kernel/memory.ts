/**
 * Memory of an idle process: what the operating system counts as resident, with and without many of
 * them, beside Erlang. What is measured: app/src/population.lua and beam.erl.
 * @module
 */
import { join } from "node:path";
import { compileErlang, outputOf, temporaryFolder, wippy } from "./measurement/command.ts";
import { measure } from "./measurement/measurement.ts";

const app = join(import.meta.dir, "app");
const erlang = compileErlang(join(import.meta.dir, "beam.erl"));

/** Resident bytes of an operating system's process. */
function residentBytes(pid: number): number {
  return 1024 * Number(outputOf(["ps", "-o", "rss=", "-p", `${pid}`]));
}

/** Bytes that each of `count` idle processes adds to a program. */
async function bytesEach(command: readonly string[], count: number): Promise<number> {
  const child = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const weights = new Map<string, number>();
  let text = "";
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    for (const moment of ["empty", "full"]) {
      if (!weights.has(moment) && text.includes(`${moment}\n`)) {
        weights.set(moment, residentBytes(child.pid));
        child.stdin.write("\n");
        child.stdin.flush();
      }
    }
  }
  await child.exited;
  const [empty, full] = [weights.get("empty"), weights.get("full")];
  if (empty === undefined || full === undefined) {
    throw new Error(`${command.join(" ")} ended with status ${child.exitCode} and "${text}"`);
  }
  return (full - empty) / count;
}

for (const count of [10_000, 100_000]) {
  const state = temporaryFolder();
  const figure = {
    unit: "B",
    better: "lower",
    n: count,
    ours: () =>
      bytesEach(
        [...wippy, "-C", app, "run", "--state", state, "--workers", "1", "population", `${count}`],
        count,
      ),
  } as const;
  // The target is one of bytes; a figure with a peer has its target in the ratio.
  await measure({ ...figure, figure: `kernel.process_bytes_${count}`, target: 2048 });
  if (erlang) {
    await measure({
      ...figure,
      figure: `kernel.process_bytes_${count}_beside_erlang`,
      target: null,
      peer: {
        name: "erlang",
        run: () => bytesEach([...erlang, "-run", "beam", "main", "population", `${count}`], count),
      },
    });
  }
}
