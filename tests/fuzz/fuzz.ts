/**
 * Looks for faults by trying what nobody writes: `scripts/fuzz [NAME …] [--seconds N] [--seed N]`. Without a name all
 * are tried, each for so many seconds (60). Ends with status 1 when something went wrong.
 * @module
 */
import { parseArgs } from "node:util";
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

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
    },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(searches);
  const unknown = names.find((name) => !(name in searches));
  const seconds = Number(values.seconds), seed = Number(values.seed);
  if (unknown !== undefined || !(seconds > 0) || !Number.isSafeInteger(seed)) {
    console.error(
      `usage: scripts/fuzz [${Object.keys(searches).join("|")} …] [--seconds N] [--seed N]`,
    );
    process.exit(2);
  }
  let failed = false;
  for (const name of names) {
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
