/**
 * Figures of processes, messages and function calls through the whole runtime on one worker, beside
 * Erlang on one scheduler. What is measured: app/src/measure.lua and beam.erl.
 * @module
 */
import { join } from "node:path";
import { answerOf, compileErlang, temporaryFolder, wippy } from "./measurement/command.ts";
import { measure, quick } from "./measurement/measurement.ts";

const app = join(import.meta.dir, "app");
const erlang = compileErlang(join(import.meta.dir, "beam.erl"));

/** Rounds a second that a program reports of a figure. */
function rate(command: readonly string[]): number {
  const { count, seconds } = answerOf<{ count: number; seconds: number }>(command);
  return count / seconds;
}

const figures = [
  { figure: "kernel.spawn", run: "spawn", count: 300_000, target: 0.5 },
  { figure: "kernel.ping_pong", run: "pingpong", count: 300_000, target: 0.5 },
  { figure: "kernel.messages", run: "messages", count: 600_000, target: 0.5 },
  { figure: "functions.call", run: "calls", count: 150_000, target: null },
  { figure: "functions.call_in_flight", run: "calls_in_flight", count: 150_000, target: null },
];

for (const { figure, run, count, target } of figures) {
  const n = quick ? count / 5 : count;
  const state = temporaryFolder();
  await measure({
    figure,
    unit: "1/s",
    better: "higher",
    n,
    target,
    ours: () =>
      rate([
        ...wippy,
        "-C",
        app,
        "run",
        "--state",
        state,
        "--workers",
        "1",
        "measure",
        run,
        `${n}`,
      ]),
    peer: erlang && {
      name: "erlang",
      run: () => rate([...erlang, "-run", "beam", "main", run, `${n}`]),
    },
  });
}
