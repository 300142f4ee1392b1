import { expect, test } from "bun:test";
import { join } from "node:path";
import { checkJournal } from "../../../src/workflows/providers/sqlite/offline/check.ts";
import { SqliteProvider } from "../../../src/workflows/providers/sqlite/sqlite.ts";
import { matchesBetween } from "../../../src/workflows/schedules/spec.ts";
import { temporaryFolder } from "../../conformance/sqlite-place.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const kills = Number(process.env.WIPPY_KILLS ?? 20);
const seed = Number(process.env.WIPPY_SEED ?? 1);
const schedules = 20;

/** Lets schedules be acted on, and kills the runtime so many milliseconds after it has opened the journal. */
async function runKilled(folder: string, after: number): Promise<void> {
  const program = join(import.meta.dir, "killed-schedules.ts");
  const child = Bun.spawn([process.execPath, program, folder, String(schedules)], {
    stdout: "pipe",
    stderr: "pipe",
  });
  for await (const chunk of child.stdout) {
    if (new TextDecoder().decode(chunk).includes("open")) break;
  }
  // Sleeps because the kill is to come at a random instant.
  const timer = setTimeout(() => child.kill("SIGKILL"), after);
  await child.exited;
  clearTimeout(timer);
  if (child.signalCode !== "SIGKILL") {
    throw new Error(`the runtime failed: ${await new Response(child.stderr).text()}`);
  }
}

test("after SIGKILL at any instant every match has its run, once", async () => {
  const folder = temporaryFolder();
  cleanAfterTest(folder.remove);
  let state = seed;
  for (let i = 0; i < kills; i++) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    await runKilled(folder.path, (state >> 8) % 120);
  }
  const path = `${folder.path}/journal.db`;
  expect(checkJournal(path)).toMatchObject({ schedules, faults: [] });
  const provider = new SqliteProvider({ path, inline: true });
  await provider.open();
  for (let n = 0; n < schedules; n++) await provider.schedules.pause(`s${n}`, true);
  const started = new Map<string, number>();
  let cursor: string | undefined;
  do {
    const page = await provider.list({ limit: 1_000, ...cursor !== undefined && { cursor } });
    for (const { workflowId } of page.runs) {
      started.set(workflowId, (started.get(workflowId) ?? 0) + 1);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect([...started].filter(([, times]) => times !== 1)).toEqual([]);
  let matched = 0;
  for (let n = 0; n < schedules; n++) {
    const { spec, counts, buffered, createTime, updateTime, action } = await provider.schedules
      .describe(`s${n}`);
    expect(updateTime).toBe(createTime);
    const times = matchesBetween(spec, createTime + 1, Date.now(), 100_000);
    const ids = times.map((time) =>
      `${action.workflowId}-${new Date(time).toISOString().replace(".000Z", "Z")}`
    );
    const ran = ids.filter((id) => started.has(id));
    // In order and without a gap: what has not run yet comes last.
    expect(ran).toEqual(ids.slice(0, ran.length));
    expect(counts).toEqual({
      actions: ran.length,
      missedCatchup: 0,
      overlapSkipped: 0,
      bufferDropped: 0,
    });
    expect(ran.length + buffered).toBeGreaterThanOrEqual(ids.length - 1);
    matched += ran.length;
  }
  expect(started.size).toBe(matched);
  expect(matched).toBeGreaterThan(schedules);
  await provider.close();
}, 120_000);
