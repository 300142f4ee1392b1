/**
 * Looks for faults by trying what nobody writes. Ends with status 1 when something went wrong.
 * @module
 */
import { Argument, Command } from "commander";
import { wholeNumber } from "../../src/cli/command.ts";
import { tryCompiled } from "./compiled.ts";
import { tryShortage } from "./shortage.ts";
import type { Mode } from "./world.ts";

/** What a search is given. */
export interface Search {
  /** Milliseconds since the epoch at which it ends. */
  until: number;
  /** From 0 to 1, decided by the seed. */
  random: () => number;
}

/** What a search found: figures for the account, and everything that was not as it should be. */
export interface Found {
  tried: Record<string, number>;
  wrong: string[];
}

const shortage = (mode: Mode) => async ({ until, random }: Search): Promise<Found> => {
  const { wrong, ...tried } = await tryShortage(mode, {
    random,
    goOn: () => Date.now() < until,
    stride: mode === "depth" ? 7 : 1,
  });
  return { tried, wrong };
};

/** By name: what can be searched. */
const searches: Readonly<Record<string, (search: Search) => Promise<Found>>> = {
  allocations: shortage("allocations"),
  depth: shortage("depth"),
  levels: shortage("levels"),
  jit: tryCompiled,
};

/** SplitMix32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = state + 0x9e3779b9 | 0;
    let z = state ^ state >>> 16;
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ z >>> 15, 0x735a2d97);
    return ((z ^ z >>> 15) >>> 0) / 2 ** 32;
  };
}

async function search(
  names: readonly string[],
  { seconds, seed }: { seconds: number; seed: number },
): Promise<void> {
  let failed = false;
  for (const name of names.length > 0 ? names : Object.keys(searches)) {
    const { tried, wrong } = await searches[name]!({
      until: Date.now() + seconds * 1000,
      random: randomOf(seed),
    });
    const figures = Object.entries(tried).map(([what, count]) => `${count} ${what}`).join(", ");
    console.log(`${name}: ${figures}, ${wrong.length} wrong (seed ${seed})`);
    for (const line of wrong.slice(0, 20)) console.log(`  ${line}`);
    failed ||= wrong.length > 0;
  }
  process.exit(failed ? 1 : 0);
}

if (import.meta.main) {
  await new Command("fuzz")
    .description("Looks for faults by trying what nobody writes.")
    .addArgument(
      new Argument("[name...]", "what to try; without a name all, one after the other")
        .choices(Object.keys(searches)),
    )
    .option("--seconds <n>", "how long, of each", wholeNumber(1, 1_000_000), 60)
    .option("--seed <n>", "repeats choices", wholeNumber(0, 999_999_999), Date.now() % 1_000_000)
    .action(search)
    .parseAsync();
}
