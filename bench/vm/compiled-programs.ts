/**
 * The programs of `programs`, and what benches of compiled code share.
 * @module
 */
import { join } from "node:path";

/** Rounds that take native Lua some tenth of a second. */
export const PROGRAMS: Readonly<Record<string, number>> = {
  append: 2_500,
  bodies: 30_000,
  closures: 500_000,
  concat: 400_000,
  fib: 150,
  flips: 12,
  floats: 5_000_000,
  integers: 7_000_000,
  json: 700,
  life: 300,
  mandelbrot: 200,
  methods: 600_000,
  pairs: 15_000,
  queens: 30,
  records: 400_000,
  scheduler: 160,
  sieve: 60,
  spectral: 100,
  strings: 60_000,
  switches: 600_000,
  trees: 180,
};

/** Processor time of this process, as Lua's os.clock measures it: milliseconds. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The file of a program. */
export function pathOf(program: string): string {
  return join(import.meta.dir, "programs", `${program}.lua`);
}
