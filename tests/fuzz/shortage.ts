/**
 * Calls every function of the runtime where each allocation, each level of the stack and each level of C calls is the
 * last, and checks a neighbour after each call.
 * @module
 */
import { type Mode, World } from "./world.ts";

/** How far to go. */
export interface ShortageOptions {
  /** Cases whose name this accepts; all unless given. */
  only?: (name: string) => boolean;
  /** Allocations that are let succeed before the first one fails: 0, `step`, … */
  step?: number;
  /** Levels of the stack between two calls. */
  stride?: number;
  /** Stops when it returns false. */
  goOn?: () => boolean;
  /** Chooses the order of the cases; in order unless given. */
  random?: () => number;
}

/** What was tried, and what went wrong. */
export interface ShortageReport {
  cases: number;
  trials: number;
  /** Calls that failed since something was short, as they should. */
  refused: number;
  wrong: string[];
}

/** Allocations after which a case is taken not to end by itself. */
const mostAllocations = 1000;
/** Calls in a row that found all that they needed: no later allocation is the last. */
const enough = 3;

function shuffled<T>(list: T[], random: () => number): T[] {
  return list.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Tries all cases in one mode. */
export async function tryShortage(
  mode: Mode,
  options: ShortageOptions = {},
): Promise<ShortageReport> {
  const { only = () => true, step = 1, stride = 1, goOn = () => true, random } = options;
  const report: ShortageReport = { cases: 0, trials: 0, refused: 0, wrong: [] };
  let world = await World.create();
  let names = world.cases().filter(only);
  if (random) names = shuffled(names, random);
  for (const name of names) {
    if (!goOn()) break;
    report.cases++;
    for (let n = 0, done = 0; n < mostAllocations && done < enough; n += step) {
      const label = `${mode} ${name} ${n}`;
      try {
        const trial = world.attempt(mode, name, mode === "allocations" ? n : stride);
        report.trials++;
        if (trial.refused) report.refused++;
        else done++;
        report.wrong.push(...trial.wrong.map((what) => `${label}: ${what}`));
        if (trial.wrong.length === 0 && mode === "allocations") continue;
        if (trial.wrong.length === 0) break;
      } catch (error) {
        report.wrong.push(`${label}: the kernel failed: ${(error as Error).message}`);
      }
      // What is broken stays so: the next case gets a world of its own.
      world.close();
      world = await World.create();
      break;
    }
  }
  world.close();
  return report;
}
