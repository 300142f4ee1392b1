/**
 * Journals that earlier programs wrote: one of each schema is kept in tests/fixtures/journals, with a closed and an open run
 * of the application beside them.
 * @module
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plain } from "../../../src/admin/plain.ts";
import { loadApplication } from "../../../src/app/app.ts";
import { withSyntaxCheck } from "../../../src/app/syntax-check.ts";
import { Node } from "../../../src/node/node.ts";
import { silentSink } from "../../../src/observe/log.ts";
import { schemaVersion } from "../../../src/workflows/providers/sqlite/migrations.ts";
import versions from "../../fixtures/journals/versions.json" with { type: "json" };
import { eventsIn } from "../../journal-events.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const fixtures = join(import.meta.dir, "../../fixtures/journals");
const kept = readdirSync(fixtures).filter((file) => file.endsWith(".db")).sort();

test("a journal of every earlier schema is kept", () => {
  const earlier = Array.from({ length: schemaVersion - 1 }, (_, n) => `schema-${n + 1}.db`);
  expect(kept.filter((file) => file.startsWith("schema-"))).toEqual(earlier);
});

test("a journal of every released version is kept", async () => {
  const changelog = await Bun.file(join(import.meta.dir, "../../../CHANGELOG.md")).text();
  const released = [...changelog.matchAll(/^## \[(\d[^\]]*)\]/gm)].map(([, version]) => version!);
  expect(released.length).toBeGreaterThan(0);
  expect(Object.keys(versions).sort()).toEqual(released.toSorted());
  expect(kept).toContainValues(Object.values(versions));
});

async function open(state: string): Promise<Node> {
  const directory = join(fixtures, "app");
  const { entries, config } = await withSyntaxCheck((checkSyntax) =>
    loadApplication({ directory, system: {}, checkSyntax })
  );
  const options = { entries, config, directory, stateDir: state, workers: 1, inline: true };
  const node = await Node.start({ ...options, log: silentSink });
  cleanAfterTest(() => node.stop());
  await node.launch();
  return node;
}

test.each(kept)("%s is brought up to date, and its open run goes on", async (file) => {
  const state = mkdtempSync(join(tmpdir(), "wippy-schema-"));
  cleanAfterTest(() => rmSync(state, { recursive: true, force: true }));
  copyFileSync(join(fixtures, file), join(state, "journal.db"));
  const node = await open(state);
  const { workflows } = node;
  const found = await workflows.list("app:durable", { attributes: { state: "old", n: 21 } });
  expect(found.runs).toMatchObject([{ workflowId: "open", status: "running" }]);
  const ended = new Promise((resolve) => {
    workflows.watch("{app:durable|open}", (value, error) => resolve(error ?? plain(value)));
  });
  await workflows.signal("{app:durable|open}", "finish", "", []);
  expect(await ended).toEqual({ doubled: 42, topic: "finish" });
  const { runs } = await workflows.list("app:durable", { workflowId: "closed" });
  const history = await workflows.history("app:durable", runs[0]!.runId);
  expect(history.map(({ id }) => id)).toEqual(history.map((_, index) => index + 1));
  expect(await node.control.replay(runs[0]!.runId, await packed(state, runs[0]!.runId)))
    .toBeUndefined();
});

/** A run's history as the journal holds it. */
async function packed(state: string, runId: string): Promise<Uint8Array> {
  const { packHistory } = await import("../../../src/workflows/history/history.ts");
  const database = new Database(join(state, "journal.db"), { readonly: true });
  const { run } = database.query<{ run: number }, [string]>(
    "SELECT run FROM runs WHERE run_id = ?",
  ).get(runId)!;
  const events = eventsIn(database).filter((event) => event.run === run);
  database.close();
  return packHistory(events);
}

test("a journal of a later program is refused and left as it is", async () => {
  const state = mkdtempSync(join(tmpdir(), "wippy-schema-"));
  cleanAfterTest(() => rmSync(state, { recursive: true, force: true }));
  mkdirSync(state, { recursive: true });
  const path = join(state, "journal.db");
  copyFileSync(join(fixtures, kept.at(-1)!), path);
  const database = new Database(path);
  database.run(`PRAGMA user_version = ${schemaVersion + 1}`);
  database.close();
  await expect(open(state)).rejects.toThrow(
    `was written by a newer wippy (schema ${
      schemaVersion + 1
    }, this program knows ${schemaVersion})`,
  );
});
