import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { unpack } from "../../../src/vm/codec.ts";
import { type HistoryEvent, unpackHistory } from "../../../src/workflows/history/history.ts";
import { SqliteProvider } from "../../../src/workflows/providers/sqlite/sqlite.ts";
import { temporaryFolder } from "../../conformance/sqlite-place.ts";

const kills = Number(process.env.WIPPY_KILLS ?? 20);
const runs = 12;
const steps = 25;
/**
 * Instants of the kills, in milliseconds after the journal was opened; another seed gives others.
 */
const seed = Number(process.env.WIPPY_SEED ?? 1);

function* instants(): Generator<number> {
  let state = seed;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield (state >> 8) % 60;
  }
}

async function runKilled(folder: string, after: number): Promise<"killed" | "finished"> {
  const program = join(import.meta.dir, "killed-runtime.ts");
  const child = Bun.spawn([process.execPath, program, folder, String(runs), String(steps)], {
    stdout: "pipe",
    stderr: "pipe",
  });
  for await (const chunk of child.stdout) {
    if (new TextDecoder().decode(chunk).includes("open")) break;
  }
  // Sleeps because the kill is to come at a random instant.
  const timer = after === Infinity ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
  const status = await child.exited;
  clearTimeout(timer);
  if (status === 0) return "finished";
  if (child.signalCode === "SIGKILL") return "killed";
  throw new Error(`the runtime failed: ${await new Response(child.stderr).text()}`);
}

test("runs go on after SIGKILL at any instant, and nothing that was seen changes", async () => {
  const folder = temporaryFolder();
  const instant = instants();
  let killed = 0;
  for (let i = 0; i < kills; i++) {
    const ended = await runKilled(folder.path, instant.next().value!);
    if (ended === "finished") break;
    killed++;
  }
  await runKilled(folder.path, Infinity);
  expect(killed).toBeGreaterThan(3);

  const lines = readFileSync(`${folder.path}/effects.log`, "utf8").trim().split("\n")
    .map((line) => line.split(" ") as [string, string, string, ...string[]]);
  const of = (what: string) => lines.filter(([kind]) => kind === what);

  // What code saw once it sees in every replay.
  const seen = new Map<string, string>();
  for (const [, id, step, ...value] of of("seen")) {
    const key = `${id} ${step}`;
    expect(`${key} ${value.join(" ")}`).toBe(`${key} ${seen.get(key) ?? value.join(" ")}`);
    seen.set(key, value.join(" "));
  }

  const provider = new SqliteProvider({ path: `${folder.path}/journal.db`, inline: true });
  await provider.open();
  const list = await provider.list({ limit: 1_000 });
  expect(list.runs.map(({ status }) => status)).toEqual(Array(2 * runs).fill("completed"));
  for (const run of list.runs) {
    const history = unpackHistory(await provider.history(run.runId));
    checkHistory(history);
    if (run.parentWorkflowId) continue;
    // An effect runs again only while its result is not in the journal: the last one is the
    // recorded one.
    const results = history.filter((event) => event.type === "ActivityCompleted");
    expect(results).toHaveLength(steps);
    for (const { data } of results) {
      const ran = of("ran").filter(([, id, i]) =>
        id === run.workflowId && Number(i) === data.seq - 1
      );
      expect(ran.at(-1)?.[4]).toBe(unpack(data.value) as string);
      expect(ran.length).toBeLessThanOrEqual(killed + 1);
    }
    expect(of("message").filter(([, from]) => from.includes(`|${run.workflowId}}`)).length)
      .toBeGreaterThanOrEqual(1);
  }
  const attempts = of("ran").length;
  const needed = runs * (steps + 1);
  console.log(`${killed} kills, ${attempts} attempts for ${needed} activities`);
  await provider.close();
  folder.remove();
}, 120_000);

/** Invariants of a history by itself. */
function checkHistory(history: HistoryEvent[]): void {
  expect(history.map(({ id }) => id)).toEqual(history.map((_, i) => i + 1));
  const counts = new Map<string, number>();
  let open = 0;
  for (const event of history) {
    if (event.type === "TaskStarted") expect(++open).toBe(1);
    if (event.type === "TaskCompleted") expect(--open).toBe(0);
    const seq = (event.data as { seq?: number }).seq;
    if (seq === undefined) continue;
    const key = `${event.type} ${seq}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  // Each outcome, and each command, at most once.
  for (const [key, count] of counts) expect(`${key}: ${count}`).toBe(`${key}: 1`);
}
