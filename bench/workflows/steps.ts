/**
 * Durable runs of ten steps through the whole runtime, as activities and as local activities: alone,
 * beside ten bare commits to SQLite, and many at once, beside the same workload on other engines of
 * durable execution (peers/). What is measured: the application in app/.
 *
 * A peer that cannot be fetched or does not run is left out by name, with the reason.
 * @module
 */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { join } from "node:path";
import { type EventRow, eventsOf } from "../../src/workflows/providers/sqlite/store/event-rows.ts";
import { answerOf, temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import {
  quantile,
  quick,
  report,
  rounds,
  wanted,
  withoutPeers,
} from "../kernel/measurement/measurement.ts";
import { dbos } from "./peers/dbos.ts";
import { dbosGo } from "./peers/dbos-go.ts";
import type { Peer } from "./peers/peer.ts";
import { restate } from "./peers/restate.ts";
import { temporal, temporalLocal } from "./peers/temporal.ts";

const app = join(import.meta.dir, "app");
const runs = quick ? 40 : 200;
const seconds = quick ? 1.5 : 5;

/** How the workload is run: `alone` gives milliseconds of each run, else `atOnce` runs give a rate. */
interface Shape {
  name: "alone" | "together";
  atOnce: number;
}

const shapes: readonly Shape[] = [
  { name: "alone", atOnce: 1 },
  ...[50, 200, 1_000].map((atOnce): Shape => ({ name: "together", atOnce })),
];

/** Milliseconds of runs; or steps a second and, of ours, bytes of the journal a step. */
type Values = number[];

/** Who is measured. */
interface Contestant {
  name: string;
  /** One round: the values of each shape, undefined for what it is not asked to do. */
  round(asked: readonly Shape[]): Promise<(Values | undefined)[]>;
}

/** The arguments of ten-steps.mjs and of the application. */
function argumentsOf({ name, atOnce }: Shape): string[] {
  return name === "alone" ? [name, `${runs}`] : [name, `${atOnce}`, `${seconds}`];
}

function valuesOf(answer: number[] | { steps: number; seconds: number }): Values {
  return Array.isArray(answer) ? answer : [answer.steps / answer.seconds];
}

/** The runtime, with steps of one kind. */
function ours(steps: "remote" | "local"): Contestant {
  const run = (shape: Shape) => {
    const state = temporaryFolder();
    const [command, ...args] = argumentsOf(shape);
    const words = [...wippy, "-C", app, "run", "--state", state, command!, steps, ...args];
    const values = valuesOf(answerOf(words));
    const journal = join(state, "journal.db");
    if (steps === "local") requireLocal(journal);
    return shape.name === "alone" ? values : [...values, bytesOfStep(journal)];
  };
  return {
    name: `wippy, ${steps} activities`,
    round: (asked) => Promise.resolve(asked.map(run)),
  };
}

/** What a step takes in a journal that holds nothing but runs of ten steps: a tenth of a run. */
function bytesOfStep(path: string): number {
  const journal = new Database(path, { readonly: true });
  const made = journal.query<{ n: number }, []>("SELECT count(*) AS n FROM runs").get()!.n;
  journal.close();
  return statSync(path).size / (10 * made);
}

/** An option that nobody reads would make a figure of something else. @throws */
function requireLocal(path: string): void {
  const journal = new Database(path, { readonly: true });
  const rows = journal.query<EventRow, []>("SELECT * FROM events").all();
  const found = rows.some((row) => eventsOf(row).some(({ type }) => type === "ActivityScheduled"));
  journal.close();
  if (found) throw new Error("the option activity.local is not supported: all steps were remote");
}

/** Milliseconds of ten commits that wait for the disk, of one small row each. */
const commits: Contestant = {
  name: "ten bare commits",
  round: (asked) =>
    Promise.resolve(asked.map(({ name }) => {
      if (name !== "alone") return undefined;
      const database = new Database(join(temporaryFolder(), "bare.db"));
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = FULL");
      database.run("CREATE TABLE step (id INTEGER PRIMARY KEY, value TEXT NOT NULL)");
      const insert = database.query("INSERT INTO step (value) VALUES (?)");
      const times = Array.from({ length: runs }, () => {
        const began = performance.now();
        for (let i = 0; i < 10; i++) insert.run("a result of some forty characters or so.");
        return performance.now() - began;
      });
      database.close();
      return times;
    })),
};

function other(peer: Peer): Contestant {
  let ready = false;
  return {
    name: peer.name,
    async round(asked) {
      if (!ready) peer.prepare();
      ready = true;
      const server = await peer.start();
      try {
        return asked.map((shape) =>
          shape.atOnce > (peer.atMost ?? Infinity)
            ? undefined
            : valuesOf(server.ask(...argumentsOf(shape)))
        );
      } finally {
        await server.stop();
      }
    },
  };
}

interface FigureOfSteps {
  figure: string;
  shape: Shape;
  unit: "ms" | "1/s" | "B";
  better: "lower" | "higher";
  /** Of the ratio to ten bare commits. */
  bare: number | null;
  /** Of the ratio to each other engine. */
  target: number | null;
  /** Undefined for peers where only ours has one. */
  value(values: Values): number | undefined;
  own?: true;
}

function figuresOf(suffix: string): FigureOfSteps[] {
  const rates = shapes.flatMap((shape): FigureOfSteps[] =>
    shape.name === "alone"
      ? ([["p50", 0.5], ["p95", 0.95]] as const).map(([name, part]) => ({
        figure: `durable.ten_steps${suffix}_${name}`,
        shape,
        unit: "ms",
        better: "lower",
        // At most one and a half times as long.
        bare: 2 / 3,
        target: null,
        value: (values) => quantile(values, part),
      }))
      : [{
        figure: `durable.steps${suffix}_at_${shape.atOnce}`,
        shape,
        unit: "1/s",
        better: "higher",
        bare: null,
        target: shape.atOnce === 200 ? 10 : null,
        value: ([rate]) => rate,
      }]
  );
  return [...rates, {
    figure: `durable.journal_bytes${suffix}_a_step`,
    shape: shapes.find(({ atOnce }) => atOnce === 200)!,
    unit: "B",
    better: "lower",
    bare: null,
    target: null,
    value: ([, bytes]) => bytes,
    own: true,
  }];
}

/** Ours and who stands beside it, in the order of the figures. */
const contests = [
  {
    suffix: "",
    mine: ours("remote"),
    peers: [commits, ...[dbos, dbosGo, restate, temporal].map(other)],
  },
  { suffix: "_local", mine: ours("local"), peers: [commits, ...[temporalLocal].map(other)] },
];
contests[1]!.peers.splice(1, 0, ...contests[0]!.peers.slice(1, 4));

const series = contests.map((contest) => ({
  ...contest,
  figures: figuresOf(contest.suffix).filter(({ figure }) => wanted(figure)),
}));
const asked = shapes.filter((shape) =>
  series.some(({ figures }) => figures.some((figure) => figure.shape === shape))
);
const contestants = new Set(
  series.flatMap(({ figures, mine, peers }) => [
    ...figures.length > 0 ? [mine] : [],
    ...figures.some(({ own }) => !own) && !withoutPeers ? peers : [],
  ]),
);
const results = new Map<Contestant, (Values | undefined)[][]>();
for (let round = 1; round <= rounds && contestants.size > 0; round++) {
  for (const contestant of contestants) {
    const needed = series.some(({ mine, peers }) =>
      contestant === mine || contestants.has(mine) && peers.includes(contestant)
    );
    if (!needed) continue;
    console.error(`ten durable steps, round ${round} of ${rounds}: ${contestant.name} …`);
    try {
      const values = await contestant.round(asked);
      results.set(contestant, [...results.get(contestant) ?? [], values]);
    } catch (error) {
      console.error(`${contestant.name} is left out: ${(error as Error).message}`);
      contestants.delete(contestant);
      results.delete(contestant);
      // A peer may be missing; ours may not.
      if (contests.some(({ mine }) => mine === contestant)) process.exitCode = 1;
    }
  }
}

for (const { figures, mine, peers } of series) {
  for (const { shape, bare, target, value, own: _, ...kind } of figures) {
    const valuesFrom = (contestant: Contestant) =>
      (results.get(contestant) ?? []).flatMap((all) => {
        const values = all[asked.indexOf(shape)];
        return (values && value(values)) ?? [];
      });
    const own = valuesFrom(mine);
    if (own.length === 0) continue;
    const n = shape.name === "alone" ? runs : shape.atOnce;
    let beside = 0;
    for (const peer of peers) {
      const values = valuesFrom(peer);
      if (values.length === 0) continue;
      const figure = peer === commits ? kind.figure : `${kind.figure}_beside_${peer.name}`;
      const goal = peer === commits ? bare : target;
      report({ ...kind, figure, n, target: goal }, own, { name: peer.name, values });
      beside++;
    }
    if (beside === 0) report({ ...kind, n, target: null }, own);
  }
}
