/**
 * Events a second in the replay of histories of about ten, a thousand and fifty thousand events, through
 * the whole runtime: closed runs are asked a query, for which each is read from the journal and replayed
 * whole. What is measured: long.lua and replay.lua of app/, on journals made by journal/build.ts.
 * @module
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { answerOf, temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import { measure, quantile, quick, wanted } from "../kernel/measurement/measurement.ts";
import { buildClosed } from "./journal/build.ts";

const app = join(import.meta.dir, "app");
/** Rounds over all histories in one run of the program; the first ones warm up. */
const rounds = quick ? 4 : 8;

/** Events in the journal. */
function eventsOf(path: string): number {
  const journal = new Database(path, { readonly: true });
  const { n } = journal.query<{ n: number }, []>("SELECT sum(next_event - 1) AS n FROM runs")
    .get()!;
  journal.close();
  return n;
}

for (const [events, runs] of [[10, 2_000], [1_000, 40], [50_000, 2]] as const) {
  const figure = `durable.replay_${events}`;
  if (!wanted(figure)) continue;
  const state = temporaryFolder("memory");
  const journal = join(state, "journal.db");
  // A step has four events: scheduled, completed, and the task that it wakes begun and completed. The
  // start and the end have as many together.
  await buildClosed(journal, runs, Math.round(events / 4 - 1));
  const all = eventsOf(journal);
  await measure({
    figure,
    unit: "1/s",
    better: "higher",
    n: all / runs,
    target: 300_000,
    ours: () => {
      const atOnce = Math.min(runs, 100);
      const words = ["--state", state, "replay", `${runs}`, `${atOnce}`, `${rounds}`];
      const seconds = answerOf<number[]>([...wippy, "-C", app, "run", ...words]);
      return all / quantile(seconds.slice(rounds / 2), 0.5);
    },
  });
}
