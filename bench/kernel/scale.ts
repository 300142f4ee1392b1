/**
 * Figures as the count grows and across workers: populations of processes, rings, fans, tickers, messages between
 * workers, and small units beside endless loops. Peers: Erlang, and Node's worker_threads for messages between
 * threads. What is measured: app/src/scale.lua, beam.erl and threads.mjs.
 * @module
 */
import { join } from "node:path";
import { answerOf, compileErlang, temporaryFolder, wippy } from "./measurement/command.ts";
import { measure, quick } from "./measurement/measurement.ts";

const app = join(import.meta.dir, "app");
const threads = join(import.meta.dir, "threads.mjs");

/** Erlang's limit on processes is lower than a million unless it is told. */
function erlang(schedulers: number): string[] | undefined {
  const command = compileErlang(join(import.meta.dir, "beam.erl"), schedulers);
  return command && [...command, "+P", "2000000"];
}

type Numbers = Record<string, number>;

/** What one run of a figure printed; kept, since one run gives several figures. */
function ours(run: string, count: number, workers: number): Numbers {
  const state = temporaryFolder();
  const memory = ["--memory-limit", "2G"];
  return answerOf<Numbers>([
    ...wippy,
    "-C",
    app,
    "run",
    "--state",
    state,
    "--workers",
    `${workers}`,
    ...memory,
    "scale",
    run,
    `${count}`,
  ]);
}

interface Series {
  run: string;
  count: number;
  workers: number;
  /** Name in what the run prints -> name, unit and target of the figure. */
  figures: Record<
    string,
    { figure: string; unit?: string; better?: "lower"; target?: number | null }
  >;
  peer?: { name: string; run(): Numbers } | undefined;
}

/** Runs a series as often as its figures ask: each figure takes the next result that it has not had. */
async function measureSeries({ run, count, workers, figures, peer }: Series): Promise<void> {
  const results: Numbers[] = [];
  const peers: Numbers[] = [];
  for (
    const [name, { figure, unit = "1/s", better = "higher", target = null }] of Object.entries(
      figures,
    )
  ) {
    let round = 0;
    let peerRound = 0;
    await measure({
      figure,
      unit,
      better,
      n: count,
      target,
      ours: () => (results[round++] ??= ours(run, count, workers))[name]!,
      peer: peer && {
        name: peer.name,
        run: () => (peers[peerRound++] ??= peer.run())[name]!,
      },
    });
  }
}

function erlangPeer(run: string, count: number, schedulers: number): Series["peer"] {
  const command = erlang(schedulers);
  return command && {
    name: "erlang",
    run: () => answerOf<Numbers>([...command, "-run", "beam", "main", "scale", run, `${count}`]),
  };
}

const populations = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000];
for (const workers of [1, 2]) {
  const on = workers === 1 ? "" : "_2_workers";
  // A million take more than one VM has.
  for (const count of populations.filter((n) => n < 1_000_000 || workers > 1)) {
    await measureSeries({
      run: "population",
      count,
      workers,
      figures: {
        spawn: { figure: `scale.spawn_${count}${on}` },
        message: { figure: `scale.message_each_${count}${on}` },
        stop: { figure: `scale.stop_${count}${on}` },
      },
      peer: erlangPeer("population", count, workers),
    });
  }
  for (const run of ["ring", "fan_in", "fan_out"]) {
    const count = quick ? 100_000 : 500_000;
    await measureSeries({
      run,
      count,
      workers,
      figures: { rate: { figure: `scale.${run}${on}` } },
      peer: erlangPeer(run, count, workers),
    });
  }
}

const restarts = quick ? 5_000 : 20_000;
await measureSeries({
  run: "restarts",
  count: restarts,
  workers: 1,
  figures: { rate: { figure: "scale.supervisor_restarts" } },
  peer: erlangPeer("restarts", restarts, 1),
});

const across = quick ? 20_000 : 100_000;
for (
  const peer of [
    erlangPeer("across", across, 2),
    {
      name: "worker_threads",
      run: () => answerOf<Numbers>(["node", threads, `${across}`]),
    },
  ]
) {
  const beside = peer ? `_beside_${peer.name}` : "";
  await measureSeries({
    run: "across",
    count: across,
    workers: 2,
    figures: {
      alone: { figure: `scale.ping_pong_across${beside}` },
      together: { figure: `scale.hundred_ping_pongs_across${beside}` },
    },
    peer,
  });
}

const tickers = quick ? 10_000 : 100_000;
await measureSeries({
  run: "tickers",
  count: tickers,
  workers: 2,
  figures: { ticks: { figure: "scale.ticks_that_arrive", unit: "of those due", target: 0.99 } },
});

await measureSeries({
  run: "latency",
  count: quick ? 200 : 2_000,
  workers: 1,
  figures: {
    p50: { figure: "latency.beside_loops_p50", unit: "ms", better: "lower" },
    p99: { figure: "latency.beside_loops_p99", unit: "ms", better: "lower", target: 25 },
    p999: { figure: "latency.beside_loops_p999", unit: "ms", better: "lower" },
  },
});
