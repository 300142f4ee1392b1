/**
 * `scripts/bench --compare OLD [NEW]`: the figures of two executables, measured alternately in one run, so that other
 * load on the machine affects both.
 *
 * Only the ratio within each round counts. With five rounds or more, the interval from the lowest to the highest ratio
 * contains the true median with a probability of at least 94 %: a figure has changed if the whole interval lies on one
 * side of 1, beyond a tolerance. Otherwise the difference is noise, or unclear if the interval is too wide.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "./figure.ts";
import { root, sourceFiles } from "./sources.ts";

/** Fewest rounds with which a change can be told from noise at that probability. */
export const leastRounds = 5;

/** Relative differences below this are not a change, however certain they are. */
const tolerance = 0.03;

/** An interval that extends further than this to either side of 1 is unclear. */
const widest = 0.15;

export type Verdict = "better" | "worse" | "same" | "unclear";

/** A figure of both executables. */
export interface Comparison {
  figure: string;
  unit: string;
  old: number;
  new: number;
  /** Of new to old, turned so that more is better. */
  ratio: number;
  low: number;
  high: number;
  verdict: Verdict;
}

/** The values of a figure, by round. */
export interface Rounds {
  old: Figure[];
  new: Figure[];
}

/** Compares the rounds of a figure; undefined where one executable has no value. */
export function compareRounds(rounds: Rounds): Comparison | undefined {
  const count = Math.min(rounds.old.length, rounds.new.length);
  const first = rounds.old[0];
  if (count === 0 || !first) return undefined;
  const ratios = Array.from({ length: count }, (_, round) => {
    const [before, after] = [rounds.old[round]!.value, rounds.new[round]!.value];
    return first.better === "higher" ? after / before : before / after;
  }).sort((a, b) => a - b);
  const [low, high] = [ratios[0]!, ratios.at(-1)!];
  const median = (figures: Figure[]) =>
    figures.map(({ value }) => value).sort((a, b) => a - b)[figures.length >> 1]!;
  return {
    figure: first.figure,
    unit: first.unit,
    old: median(rounds.old),
    new: median(rounds.new),
    ratio: ratios[count >> 1]!,
    low,
    high,
    verdict: verdictOf(count, low, high),
  };
}

function verdictOf(rounds: number, low: number, high: number): Verdict {
  if (rounds < leastRounds) return "unclear";
  if (low > 1 + tolerance) return "better";
  if (high < 1 - tolerance) return "worse";
  return low > 1 - widest && high < 1 + widest ? "same" : "unclear";
}

/** Files of benches that measure the executable; the others measure what is in the sources. */
function benches(): string[] {
  return sourceFiles("*/*.ts", ["bench"]).filter((path) =>
    /import \{[^}]*\bwippy\b[^}]*\}/.test(readFileSync(join(root, path), "utf8"))
  );
}

/**
 * Measures alternately.
 *
 * @param run measures the figures of a bench with an executable
 */
export async function compareExecutables(
  { old, new: other, rounds }: { old: string; new: string; rounds: number },
  run: (bench: string, executable: string) => Promise<Figure[]>,
): Promise<Comparison[]> {
  for (const path of [old, other]) if (!existsSync(path)) throw new Error(`${path} does not exist`);
  const found = new Map<string, Rounds>();
  for (const bench of benches()) {
    for (let round = 0; round < rounds; round++) {
      const sides = [["old", old], ["new", other]] as const;
      // Each is first in every other round, because the order affects the result.
      for (const [side, executable] of round % 2 ? sides.toReversed() : sides) {
        console.error(`${bench}, round ${round + 1} of ${rounds}: ${side}`);
        for (const figure of await run(bench, executable)) {
          const of = found.get(figure.figure) ?? { old: [], new: [] };
          of[side].push(figure);
          found.set(figure.figure, of);
        }
      }
    }
  }
  return [...found.values()].flatMap((of) => compareRounds(of) ?? []);
}

/** A baseline: the figures on some machine, for readers of a report. */
export type Baseline = Record<string, { value: number; unit: string; date: string }>;

const baselinePath = join(root, "bench/baseline.json");

export function readBaseline(): Baseline {
  return existsSync(baselinePath) ? JSON.parse(readFileSync(baselinePath, "utf8")) as Baseline : {};
}

/** Stores the values of `new` as the baseline of their figures. */
export async function storeBaseline(comparisons: readonly Comparison[], date: string) {
  const baseline = readBaseline();
  for (const { figure, new: value, unit } of comparisons) baseline[figure] = { value, unit, date };
  const sorted = Object.fromEntries(Object.entries(baseline).sort(([a], [b]) => a < b ? -1 : 1));
  await Bun.write(baselinePath, `${JSON.stringify(sorted, null, 2)}\n`);
}

/** The rows of a report, in Markdown; `readable` writes a number. */
export function reportOf(
  comparisons: readonly Comparison[],
  baseline: Baseline,
  readable: (value: number) => string,
): string {
  const rows = comparisons.map(({ figure, unit, low, high, ratio, verdict, ...values }) => {
    const stored = baseline[figure];
    const range = `${ratio.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
    return [
      figure,
      stored ? readable(stored.value) : "",
      readable(values.old),
      readable(values.new),
      unit,
      range,
      verdict === "worse" ? "**worse**" : verdict,
    ].join(" | ");
  });
  return [
    "| figure | baseline | old | new | unit | new to old, more is better | verdict |",
    "| --- | ---: | ---: | ---: | --- | --- | --- |",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
