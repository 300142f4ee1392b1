/** A journal that is encrypted at rest. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack, unpack } from "../../../../../src/vm/codec.ts";
import type { PayloadKeys } from "../../../../../src/workflows/cipher.ts";
import { unpackHistory } from "../../../../../src/workflows/history/history.ts";
import { readStored, storageTools } from "../../../../../src/workflows/providers/providers.ts";
import { SqliteProvider } from "../../../../../src/workflows/providers/sqlite/sqlite.ts";
import { cleanAfterTest } from "../../../../cleanup.ts";

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "wippy-sealed-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "journal.db");
}

const [first, second] = [randomBytes(32), randomBytes(32)];
const one: PayloadKeys = { keyId: "one", keys: new Map([["one", first]]) };
const two: PayloadKeys = { keyId: "two", keys: new Map([["one", first], ["two", second]]) };

/** Starts a run with a secret in each of its parts, and a schedule with one. */
async function record(path: string, keys: PayloadKeys | undefined, workflowId: string) {
  const provider = new SqliteProvider({ path, inline: true, ...keys && { keys } });
  await provider.open();
  try {
    await provider.start({
      entry: "app:order",
      hostId: "app:host",
      workflowId,
      args: pack(["secret-args"]),
      memo: pack({ note: "secret-memo" }),
      searchAttributes: pack({ shop: "north" }),
      messages: [{ name: "note", payloads: pack(["secret-signal"]), sender: "" }],
    });
    await provider.schedules.create({
      scheduleId: `schedule-${workflowId}`,
      spec: { cron: ["0 0 1 1 *"] },
      action: { entry: "app:order", hostId: "app:host", workflowId, args: pack(["secret-plan"]) },
    });
  } finally {
    await provider.close();
  }
}

async function opens(path: string, keys?: PayloadKeys): Promise<string | undefined> {
  const provider = new SqliteProvider({ path, inline: true, ...keys && { keys } });
  const refused = await provider.open().then(() => undefined, (error) => error.message as string);
  if (refused === undefined) await provider.close();
  return refused;
}

/** The arguments of the runs in a journal, by workflow id, and the secrets of the rest of each. */
async function told(path: string, keys: PayloadKeys | undefined) {
  const stored = await readStored({ type: "sqlite", path, ...keys && { keys } });
  try {
    const { runs } = await stored.list({ attributes: { shop: "north" } });
    return Object.fromEntries(
      await Promise.all(runs.map(async ({ workflowId, runId, memo }) => {
        const [started, signaled] = unpackHistory(await stored.history(runId));
        if (started?.type !== "ExecutionStarted" || signaled?.type !== "ExecutionSignaled") {
          throw new Error("another history was expected");
        }
        const { action } = await stored.schedules.describe(`schedule-${workflowId}`);
        const values = [started.data.args, memo!, signaled.data.payloads, action.args];
        return [workflowId, values.map(unpack)];
      })),
    );
  } finally {
    stored.close();
  }
}

const secrets = [["secret-args"], { note: "secret-memo" }, ["secret-signal"], ["secret-plan"]];

test("with a key no value is in the files, and all of them are read", async () => {
  const path = newPath();
  await record(path, one, "w");
  const files = ["", "-wal", ".state"].map((end) => path + end).filter((file) => existsSync(file));
  for (const file of files) expect(readFileSync(file).includes("secret-")).toBe(false);
  expect(await told(path, one)).toEqual({ w: secrets });
  expect((await storageTools()).check(path, one)).toMatchObject({ runs: 1, faults: [] });
  const plain = newPath();
  await record(plain, undefined, "w");
  expect(readFileSync(plain).includes("secret-args")).toBe(true);
});

test("a journal that was plain, and one whose keys have changed, are read", async () => {
  const path = newPath();
  await record(path, undefined, "plain");
  await record(path, one, "old");
  await record(path, two, "new");
  expect(await told(path, two)).toEqual({ plain: secrets, old: secrets, new: secrets });
  expect((await storageTools()).check(path, two)).toMatchObject({ runs: 3, faults: [] });
});

test("a missing and a wrong key are refused in one sentence, and nothing is lost", async () => {
  const path = newPath();
  await record(path, one, "w");
  const wrong: PayloadKeys = { keyId: "one", keys: new Map([["one", second]]) };
  const other: PayloadKeys = { keyId: "two", keys: new Map([["two", second]]) };
  expect(await opens(path)).toBe(
    `The journal ${path} cannot be read: it is encrypted with the key "one", and no key is configured; ` +
      "hint: add payload_codec with the key to its workflow.host",
  );
  expect(await opens(path, wrong)).toContain('cannot be decrypted with the key "one"');
  expect(await opens(path, other)).toContain('the key "one", which is not known');
  const tools = await storageTools();
  expect(() => tools.check(path)).toThrow("no key is configured");
  expect(() => tools.check(path, wrong)).toThrow("cannot be decrypted");
  await expect(readStored({ type: "sqlite", path })).rejects.toThrow("no key is configured");
  expect(await opens(path, one)).toBeUndefined();
  expect(await told(path, two)).toEqual({ w: secrets });
});

test("copies and compact journals are as encrypted as the journal", async () => {
  const path = newPath();
  await record(path, one, "w");
  const tools = await storageTools();
  tools.compact(path);
  tools.backUp(path, `${path}.copy`);
  for (const file of [path, `${path}.copy`]) {
    expect(readFileSync(file).includes("secret-")).toBe(false);
    expect(tools.check(file, one)).toMatchObject({ runs: 1, faults: [] });
  }
});
