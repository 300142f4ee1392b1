/**
 * Speed of Lua code in the VM beside a native Lua and beside the wasm as wasmoon ships it. The
 * last is also what tells the cost of fuel: it has none.
 * @module
 */
import { measure, quick } from "../kernel/measurement/measurement.ts";
import { metered, native, nativeCommand, ours, shipped } from "./engines/engines.ts";
import type { Program } from "./engines/programs.ts";

const rounds: Readonly<Record<Program, number>> = {
  switch: 1_000_000,
  fib: 100,
  loop: 20_000_000,
  table: 1_000_000,
  string: 300_000,
  error: 300_000,
  fault: 300_000,
};

/** A coroutine switch may take one and a half times what it takes natively, an error that is caught as long. */
const targets: Partial<Record<Program, number>> = { switch: 1 / 1.5, error: 1, fault: 1 };

for (const program of Object.keys(rounds) as Program[]) {
  const n = quick ? Math.ceil(rounds[program] / 5) : rounds[program];
  await measure({
    figure: `vm.${program}`,
    unit: "ns",
    better: "lower",
    n,
    target: targets[program] ?? null,
    ours: () => ours(program, n),
    peer: nativeCommand === null ? undefined : { name: "lua5.4", run: () => native(program, n) },
  });
}

for (const program of ["switch", "error", "fault"] as const) {
  // As shipped each of these throws through JavaScript, which takes microseconds.
  const n = quick ? 10_000 : 50_000;
  await measure({
    figure: `vm.${program}_beside_wasmoon`,
    unit: "ns",
    better: "lower",
    n,
    target: null,
    ours: () => ours(program, n),
    peer: { name: "wasmoon", run: () => shipped(program, n) },
  });
}

for (const program of ["loop", "fib", "table"] as const) {
  const n = quick ? Math.ceil(rounds[program] / 5) : rounds[program];
  await measure({
    figure: `vm.${program}_with_fuel`,
    unit: "ns",
    better: "lower",
    n,
    target: null,
    ours: () => metered(program, n),
    peer: { name: "wasmoon without fuel", run: () => shipped(program, n) },
  });
}
