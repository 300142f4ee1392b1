/**
 * Measures the figures of bench/, one file after another, each with its peers in the same run.
 *
 *     scripts/bench [--only NAME] [--quick]
 *     scripts/bench --compare OLD [NEW] [--only NAME] [--rounds N] [--store]
 *
 * A figure is one JSON line on standard output. On standard error each bench says what it does, and a
 * table of all figures follows at the end, in the form that docs/reference/benchmarks.md keeps. The exit status is
 * 1 when a bench fails; a missed target is a figure like any other.
 *
 * The benches are the files bench/AREA/NAME.ts; what they share lies beside or below those.
 * @module
 */

import { join, resolve } from "node:path";
import { Command } from "commander";
import { wholeNumber } from "../src/cli/command.ts";
import {
  compareExecutables,
  leastRounds,
  readBaseline,
  reportOf,
  storeBaseline,
} from "./compare.ts";
import type { Figure } from "./figure.ts";
import { root, sourceFiles } from "./sources.ts";

/** The figure in a line of a bench's output, or undefined where the line is none. */
export function figureOf(line: string): Figure | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "figure" in value && "value" in value
      ? value as Figure
      : undefined;
  } catch {
    return undefined;
  }
}

/** A number in at most four digits, in groups: 228000 -> "228,000", 0.2134 -> "0.2134". */
export function readable(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(4)));
}

/** The figures as a table that reads well both as text and as Markdown. */
export function tableOf(figures: readonly Figure[]): string {
  const header = ["figure", "value", "unit", "peer", "peer's value", "ratio", "target", "met"];
  const rows = figures.map((figure) => [
    figure.figure,
    readable(figure.value),
    figure.unit,
    figure.peer ?? "",
    figure.peer_value === null ? "" : readable(figure.peer_value),
    figure.ratio === null ? "" : figure.ratio.toFixed(2),
    figure.target === null ? "" : readable(figure.target),
    figure.meets === null ? "" : figure.meets ? "yes" : "no",
  ]);
  const numeric = new Set([1, 4, 5, 6]);
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: string[]) =>
    `| ${
      cells.map((cell, column) => {
        const width = widths[column] ?? 0;
        return numeric.has(column) ? cell.padStart(width) : cell.padEnd(width);
      }).join(" | ")
    } |`;
  const rule = widths.map((width, column) =>
    numeric.has(column) ? `${"-".repeat(width - 1)}:` : "-".repeat(width)
  );
  return [line(header), line(rule), ...rows.map(line)].join("\n");
}

/** Runs a bench, passes its figures on and collects them. */
async function measure(
  path: string,
  args: string[],
  figures: Figure[],
  environment: Record<string, string> = {},
): Promise<number> {
  const child = Bun.spawn([process.execPath, path, ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const decoder = new TextDecoder();
  let rest = "";
  const take = (line: string) => {
    const figure = figureOf(line);
    if (figure !== undefined) figures.push(figure);
    (figure === undefined ? process.stderr : process.stdout).write(`${line}\n`);
  };
  for await (const chunk of child.stdout) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
  if (rest !== "") take(rest);
  return await child.exited;
}

/** Compares two executables and prints a report. @returns 1 when a bench failed or a figure is worse */
async function compare(
  executables: string[],
  only: string[],
  { rounds, store }: { rounds: number; store: boolean },
): Promise<number> {
  const [old, other = join(root, "dist/wippy")] = executables.map((path) => resolve(path));
  if (!old) {
    console.error("bench: name the old executable");
    return 2;
  }
  let failed = false;
  const comparisons = await compareExecutables(
    { old, new: other, rounds },
    async (bench, executable) => {
      const figures: Figure[] = [];
      const options = [...only, "--quick", "--without-peers"];
      const status = await measure(join(root, bench), options, figures, {
        WIPPY_BENCH_EXECUTABLE: executable,
      });
      failed ||= status !== 0;
      return figures;
    },
  );
  console.error(`\n${reportOf(comparisons, readBaseline(), readable)}`);
  if (store) await storeBaseline(comparisons, new Date().toISOString().slice(0, 10));
  return failed || comparisons.some(({ verdict }) => verdict === "worse") ? 1 : 0;
}

interface Flags {
  only?: string;
  quick: boolean;
  compare: boolean;
  rounds: number;
  store: boolean;
}

async function main(executables: string[], flags: Flags): Promise<number> {
  const only = flags.only === undefined ? [] : ["--only", flags.only];
  if (flags.compare) return await compare(executables, only, flags);
  if (executables.length > 0) {
    console.error("bench: executables are measured with --compare");
    return 2;
  }
  const args = [...only, ...(flags.quick ? ["--quick"] : [])];
  const figures: Figure[] = [];
  const failed: string[] = [];
  for (const path of sourceFiles("*/*.ts", ["bench"])) {
    if (await measure(join(root, path), args, figures) !== 0) failed.push(path);
  }
  if (figures.length > 0) console.error(`\n${tableOf(figures)}`);
  for (const path of failed) console.error(`bench: ${path} failed (see above).`);
  if (figures.length === 0 && failed.length === 0) {
    console.error(`bench: no figure is named ${flags.only ?? "at all"}.`);
    return 1;
  }
  return failed.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  await new Command("bench")
    .description("Measures the figures of bench/ beside their peers.")
    .argument("[executable...]", "with --compare: the old one, and the new one (dist/wippy)")
    .option("--only <name>", "a figure, or the beginning of several")
    .option("--quick", "short runs, less precise", false)
    .option("--compare", "compares two executables, alternately", false)
    // Below the least, nothing can be told from noise.
    .option(
      "--rounds <n>",
      "with --compare: how often",
      wholeNumber(leastRounds, 1000),
      leastRounds,
    )
    .option("--store", "with --compare: stores the new values in bench/baseline.json", false)
    .action(async (executables: string[], flags: Flags) => {
      process.exitCode = await main(executables, flags);
    })
    .parseAsync();
}
