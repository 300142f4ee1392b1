/**
 * Programs whose functions are all compiled (`--jit on`), beside native Lua, LuaJIT's interpreter and our own
 * interpreter. Each is a file of `programs` that answers a function of a number of rounds; all engines must come to
 * the same result.
 * @module
 */
import { readFileSync } from "node:fs";
import { loadLuaModule } from "../../src/vm/module.ts";
import { Vm } from "../../src/vm/vm.ts";
import {
  type Kind,
  quick,
  report,
  rounds,
  wanted,
  withoutPeers,
} from "../kernel/measurement/measurement.ts";
import { cpuTime, pathOf, PROGRAMS } from "./compiled-programs.ts";

/** Milliseconds of running before the time counts: Bun's tiers take that long for hot code, at least and at most. */
const [WARM_UP, LONGEST_WARM_UP] = quick ? [300, 1_000] : [700, 5_000];
/** Runs in a row during which the engine's other threads compile nothing any more. */
const CALM = 3;
/**
 * Runs of each engine in a round, of which the fastest counts, as in Python's `timeit`: what makes the same run of the
 * same code take up to twice as long, native Lua's as well, is other work of the machine.
 */
const RUNS = 5;

/** Runs a program: how many milliseconds it took and what it came to. */
type Engine = () => { milliseconds: number; result: number };

/** Our VM with all functions of the program compiled, or none. */
async function ours(program: string, jit: boolean): Promise<Engine> {
  const machine = await Vm.create({ module: await loadLuaModule(), clock: Date.now, jit });
  const source = readFileSync(pathOf(program), "utf8");
  const [run] = machine.load(source, `=${program}`);
  machine.compiling?.hot?.compileAll();
  const once: Engine = () => {
    const began = cpuTime();
    const [result] = machine.call(run!, PROGRAMS[program]!);
    return { milliseconds: cpuTime() - began, result: Number(result) };
  };
  const began = performance.now();
  for (let calm = 0, passed = 0; passed < LONGEST_WARM_UP && (passed < WARM_UP || calm < CALM);) {
    const { milliseconds } = once();
    const before = passed;
    passed = performance.now() - began;
    calm = milliseconds < 1.03 * (passed - before) ? calm + 1 : 0;
  }
  return () => {
    const runs = Array.from({ length: RUNS }, once);
    return {
      milliseconds: Math.min(...runs.map((run) => run.milliseconds)),
      result: runs[0]!.result,
    };
  };
}

/** Another Lua's program, started anew each time. */
function native(command: readonly string[], program: string): Engine {
  const n = PROGRAMS[program];
  const script = `local run = dofile(${JSON.stringify(pathOf(program))})
    local fastest, result = math.huge, run(${n})
    for _ = 1, ${RUNS} do
      local began = os.clock()
      result = run(${n})
      fastest = math.min(fastest, os.clock() - began)
    end
    print(string.format("%.6f %.17g", fastest * 1e3, result))`;
  return () => {
    const { stdout, stderr, exitCode } = Bun.spawnSync([...command, "-e", script]);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
    const [milliseconds = NaN, result = NaN] = stdout.toString().trim().split(" ").map(Number);
    return { milliseconds, result };
  };
}

const PEERS: Readonly<Record<string, readonly string[]>> = {
  "lua5.4": ["lua5.4"],
  "luajit -joff": ["luajit", "-joff"],
};
const peers = withoutPeers ? [] : Object.keys(PEERS).filter((name) => Bun.which(PEERS[name]![0]!));

/** By engine and program: the milliseconds of each round. */
const times = new Map<string, Map<string, number[]>>();
const nearly = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.abs(b);

async function run(program: string): Promise<void> {
  const engines: [string, Engine][] = [
    ["compiled", await ours(program, true)],
    ["interpreter", await ours(program, false)],
    ...peers.map((name): [string, Engine] => [name, native(PEERS[name]!, program)]),
  ];
  let expected: number | undefined;
  for (let round = 0; round < rounds; round++) {
    for (const [name, engine] of engines) {
      const { milliseconds, result } = engine();
      expected ??= result;
      if (!nearly(result, expected)) {
        throw new Error(`${program}: compiled code comes to ${expected}, ${name} to ${result}`);
      }
      const byProgram = times.get(name) ?? new Map<string, number[]>();
      times.set(name, byProgram.set(program, [...(byProgram.get(program) ?? []), milliseconds]));
    }
  }
}

/** For each round, the geometric mean over all programs. */
function means(engine: string): number[] {
  const all = [...times.get(engine)!.values()];
  return Array.from(
    { length: rounds },
    (_, i) => Math.exp(all.reduce((sum, values) => sum + Math.log(values[i]!), 0) / all.length),
  );
}

const figures = Object.keys(PROGRAMS).filter((program) => wanted(`compiled.${program}`));
const whole = wanted("compiled.mean");
for (const program of whole ? Object.keys(PROGRAMS) : figures) {
  console.error(`compiled.${program} …`);
  await run(program);
  const peer = times.get("lua5.4")?.get(program);
  report(
    { ...kind(`compiled.${program}`, PROGRAMS[program]!), target: 1 },
    times.get("compiled")!.get(program)!,
    peer && { name: "lua5.4", values: peer },
  );
}
if (whole) {
  const n = Object.keys(PROGRAMS).length;
  for (
    const [name, figure, target] of [
      ["lua5.4", "compiled.mean", 1.7],
      ["luajit -joff", "compiled.mean_beside_luajit", 1],
      ["interpreter", "compiled.mean_beside_interpreter", null],
    ] as const
  ) {
    if (!times.has(name)) continue;
    report({ ...kind(figure, n), target }, means("compiled"), { name, values: means(name) });
  }
}

function kind(figure: string, n: number): Omit<Kind, "target"> {
  return { figure, unit: "ms", better: "lower", n };
}
