/**
 * After how many calls that take the interpreter a millisecond compiled code has paid for its compilation, in
 * processor time: the compiler's, that of the engine's tiers in other threads, and that of the first calls, which are
 * slower than later ones. The interpreter and the compiler are warm, as they are in a worker that has run for a while.
 * @module
 */
import { readFileSync } from "node:fs";
import { loadLuaModule } from "../../src/vm/module.ts";
import { Vm } from "../../src/vm/vm.ts";
import { quantile, quick, report, rounds, wanted } from "../kernel/measurement/measurement.ts";
import { cpuTime, pathOf, PROGRAMS } from "./compiled-programs.ts";

/** Calls that are made. */
const MOST = 200;
/** Milliseconds in which the interpreter becomes warm, for each program. */
const WARM_UP = quick ? 20 : 100;
/** By program: the rounds of a call. */
const calls = new Map<string, number>();

/** Starts a program; answers what a call of it takes. */
async function start(program: string, jit: boolean): Promise<{ compile: number; call(): number }> {
  const machine = await Vm.create({ module: await loadLuaModule(), clock: Date.now, jit: true });
  const n = calls.get(program) ?? Math.ceil(PROGRAMS[program]! / 100);
  const [run] = machine.load(readFileSync(pathOf(program), "utf8"), `=${program}`);
  let began = cpuTime();
  if (jit) machine.compiling!.hot!.compileAll();
  const compile = cpuTime() - began;
  return {
    compile,
    call: () => {
      began = cpuTime();
      machine.call(run!, n);
      return cpuTime() - began;
    },
  };
}

/** The first call after which the compiled program has taken no longer than the interpreted one. */
async function breakEven(program: string): Promise<number> {
  const interpreted = await start(program, false);
  const compiled = await start(program, true);
  let ahead = -compiled.compile;
  for (let count = 1; count <= MOST; count++) {
    ahead += interpreted.call() - compiled.call();
    if (ahead >= 0) return count;
  }
  return MOST;
}

if (wanted("compiled.break_even")) {
  console.error("compiled.break_even …");
  const programs = Object.keys(PROGRAMS);
  for (const program of programs) {
    const { call } = await start(program, false);
    let least = Infinity;
    for (const until = performance.now() + WARM_UP; performance.now() < until;) {
      least = Math.min(least, call());
    }
    calls.set(program, Math.max(1, Math.round(PROGRAMS[program]! / 100 / least)));
    await start(program, true);
  }
  const medians: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const all: number[] = [];
    for (const program of programs) all.push(await breakEven(program));
    console.error(programs.map((program, i) => `${program} ${all[i]}`).join(", "));
    medians.push(quantile(all, 0.5));
  }
  report(
    {
      figure: "compiled.break_even",
      unit: "calls",
      better: "lower",
      n: programs.length,
      target: 20,
    },
    medians,
  );
}
