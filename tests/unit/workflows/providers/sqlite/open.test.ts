import { afterEach, beforeEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { pack } from "../../../../../src/vm/codec.ts";
import { SqliteProvider } from "../../../../../src/workflows/providers/sqlite/sqlite.ts";
import { Runtime } from "../../../../conformance/runtime.ts";
import { SqlitePlace, temporaryFolder } from "../../../../conformance/sqlite-place.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;

beforeEach(() => {
  folder = temporaryFolder();
  path = `${folder.path}/state/journal.db`;
});

afterEach(() => folder.remove());

function provider(inline = true): SqliteProvider {
  return new SqliteProvider({ path, inline });
}

/** A journal with one finished run in it. */
async function filled(): Promise<void> {
  const runtime = await Runtime.open({
    place: new SqlitePlace({ inline: true }, { path }),
    scripts: {
      "app:done": () => 1,
    },
  });
  await runtime.start("app:done", [], { workflowId: "d" });
  await runtime.result("d");
  await runtime.provider.close();
}

async function refusal(of: SqliteProvider): Promise<{ kind: string; message: string }> {
  try {
    await of.open();
  } catch (error) {
    return error as { kind: string; message: string };
  }
  throw new Error("it opened");
}

test("the folder and the file are made, with what a journal needs", async () => {
  await filled();
  const database = new Database(path, { readonly: true });
  expect(database.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  expect(database.query("SELECT status FROM runs").all()).toEqual([{ status: "completed" }]);
  database.close();
});

test.each([["inline", true], ["on a thread", false]])(
  "a second runtime is refused while the first has it open (%s)",
  async (_name, inline) => {
    const first = provider(inline);
    await first.open();
    const { kind, message } = await refusal(provider(inline));
    expect(kind).toBe("Conflict");
    expect(message).toContain(path);
    expect(message).toContain(`process ${process.pid}`);
    await first.close();
    const second = provider(inline);
    await second.open();
    await second.close();
  },
);

test("a runtime that was killed leaves no lock behind", async () => {
  const script = `
    const { SqliteProvider } = await import(${
    JSON.stringify(import.meta.resolve("../../../../../src/workflows/providers/sqlite/sqlite.ts"))
  });
    const provider = new SqliteProvider({ path: ${JSON.stringify(path)} });
    await provider.open();
    console.log("open");
    setInterval(() => {}, 1000);
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  for await (const chunk of child.stdout) {
    if (new TextDecoder().decode(chunk).includes("open")) break;
  }
  const { kind, message } = await refusal(provider());
  expect(kind).toBe("Conflict");
  expect(message).toContain(`process ${child.pid}`);
  child.kill("SIGKILL");
  await child.exited;
  const mine = provider();
  await mine.open();
  await mine.close();
});

test("a journal of a newer version is refused and left alone", async () => {
  await filled();
  const database = new Database(path);
  database.run("PRAGMA user_version = 999");
  database.close();
  const before = readFileSync(path);
  const { kind, message } = await refusal(provider());
  expect(kind).toBe("Invalid");
  expect(message).toContain("newer");
  expect(message).toContain("999");
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("an SQLite file that is no journal is refused and left alone", async () => {
  mkdirSync(`${folder.path}/state`);
  const database = new Database(path);
  database.run("CREATE TABLE mine (x)");
  database.close();
  const before = readFileSync(path);
  const { kind, message } = await refusal(provider());
  expect(kind).toBe("Invalid");
  expect(message).toContain("not a workflow journal");
  expect(readFileSync(path).equals(before)).toBe(true);
});

test.each([
  ["is no SQLite file", () => writeFileSync(path, "not a database, but long enough for a header")],
  ["was cut off", () => truncateSync(path, 10_000)],
  ["has pages overwritten", () => {
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 4_096, bytes.length - 1));
  }],
])("a file that %s is reported as damaged", async (_name, damage) => {
  await filled();
  damage();
  const before = readFileSync(path);
  const { kind, message } = await refusal(provider());
  expect(kind).toBe("Invalid");
  expect(message).toContain("damaged");
  expect(message).toContain(path);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("a path whose folder is a file is refused", async () => {
  writeFileSync(`${folder.path}/state`, "");
  const { kind, message } = await refusal(provider());
  expect(kind).toBe("PermissionDenied");
  expect(message).toContain(path);
});

// The superuser may write everywhere, so the folder is opened as somebody else then.
const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((file) => existsSync(file));

test.skipIf(process.getuid?.() === 0 && !setpriv)("a read-only folder is refused", async () => {
  await filled();
  chmodSync(folder.path, 0o755);
  chmodSync(`${folder.path}/state`, 0o555);
  chmodSync(path, 0o444);
  chmodSync(`${path}.lock`, 0o444);
  const script = `
    const { SqliteProvider } = await import(${
    JSON.stringify(import.meta.resolve("../../../../../src/workflows/providers/sqlite/sqlite.ts"))
  });
    const provider = new SqliteProvider({ path: ${JSON.stringify(path)}, inline: true });
    await provider.open().then(() => console.log("open"), (e) => console.log(e.kind, e.message));
  `;
  const asOther = process.getuid?.() === 0
    ? [setpriv!, "--reuid=65534", "--regid=65534", "--clear-groups"]
    : [];
  const child = Bun.spawnSync([...asOther, process.execPath, "-e", script], {
    env: { ...process.env, HOME: folder.path },
  });
  const output = child.stdout.toString() + child.stderr.toString();
  expect(output).toStartWith("PermissionDenied");
  expect(output).toContain(path);
  chmodSync(`${folder.path}/state`, 0o755);
});

test("what is asked before it is open, or after it is closed, is refused", async () => {
  const mine = provider();
  expect(mine.describe("x")).rejects.toMatchObject({ kind: "Unavailable" });
  await mine.open();
  expect(mine.open()).rejects.toMatchObject({ kind: "Conflict" });
  await mine.close();
  expect(mine.describe("x")).rejects.toMatchObject({ kind: "Unavailable" });
});

test("a journal that was read beside its thread is one whole file after its close", async () => {
  for (let i = 0; i < 5; i++) {
    const read = provider(false);
    await read.open();
    const { runId } = await read.start({ entry: "app:w", hostId: "app:h", args: pack([]) });
    expect((await read.list({})).runs).toHaveLength(i + 1);
    expect((await read.history(runId)).length).toBeGreaterThan(0);
    await read.close();
    expect(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  }
});
