/** A journal is its file, not its name; what it has lost is found, whoever looks. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { pack } from "../../../../../src/vm/codec.ts";
import { checkJournal } from "../../../../../src/workflows/providers/sqlite/offline/check.ts";
import {
  backUpJournal,
  compactJournal,
} from "../../../../../src/workflows/providers/sqlite/offline/offline.ts";
import { SqliteProvider } from "../../../../../src/workflows/providers/sqlite/sqlite.ts";
import { SqlitePlace, temporaryFolder } from "../../../../conformance/sqlite-place.ts";
import { commitsOf } from "../../../../chaos/wal.ts";
import { Runtime, settle, VirtualMachine } from "../../../../conformance/runtime.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let machine: VirtualMachine;
const opened: SqliteProvider[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  machine = new VirtualMachine();
  path = `${folder.path}/state/journal.db`;
});

afterEach(async () => {
  for (const provider of opened.splice(0)) await provider.close().catch(() => {});
  folder.remove();
});

async function open(at = path): Promise<SqliteProvider> {
  const provider = new SqliteProvider({ path: at, platform: machine });
  await provider.open();
  opened.push(provider);
  return provider;
}

async function refusal(at = path): Promise<{ kind: string; message: string }> {
  try {
    await open(at);
  } catch (error) {
    return error as { kind: string; message: string };
  }
  throw new Error("it opened");
}

function start(provider: SqliteProvider, workflowId: string) {
  return provider.start({ entry: "app:w", hostId: "app:h", workflowId, args: pack([]) });
}

/** What a runtime leaves that is killed after some commits: all of it is in the log. */
async function killed(runs = 6): Promise<void> {
  const living = `${folder.path}/living/journal.db`;
  const provider = await open(living);
  for (let i = 0; i < runs; i++) {
    await start(provider, `w${i}`);
    // The mark is written now and then.
    machine.time += i === runs - 1 ? 300 : 1;
  }
  await start(provider, "last");
  mkdirSync(`${folder.path}/state`);
  for (const end of ["", "-wal", ".state"]) copyFileSync(living + end, path + end);
  await provider.close();
}

function flip(file: string, at: number, count = 8): void {
  const bytes = readFileSync(file);
  for (let i = at; i < at + count; i++) bytes[i] = bytes[i]! ^ 0xff;
  writeFileSync(file, bytes);
}

/** Where the last commit in the log ends; space follows. */
const endOfLog = () => commitsOf(readFileSync(`${path}-wal`)).at(-1)!;

const faults = () => checkJournal(path).faults.map(({ message }) => message).join("\n");

describe("what a journal has lost", () => {
  const losses: [string, () => void, RegExp][] = [
    ["everything", () => {
      truncateSync(path, 0);
      rmSync(`${path}-wal`);
    }, /it is empty, but it had \d+ commits at 20/],
    ["its file, though not its log", () => truncateSync(path, 0), /it is empty, but it had/],
    ["its log", () => rmSync(`${path}-wal`), /it has \d+ commits, but it had \d+/],
    [
      "the end of its log",
      () => truncateSync(`${path}-wal`, 12_000),
      /it has \d+ commits, but it had \d+/,
    ],
    ["the header of its log", () => flip(`${path}-wal`, 0, 16), /the header of its log is damaged/],
    [
      "a bit in the middle of its log",
      () => flip(`${path}-wal`, endOfLog() >> 1),
      /frame \d+ of its log is damaged, and \d+ commits behind it cannot be read/,
    ],
  ];

  test.each(losses)("%s is found by check and at the start", async (_name, lose, words) => {
    await killed();
    expect(faults()).toBe("");
    lose();
    // A look changes nothing.
    expect(faults()).toMatch(words);
    expect(faults()).toMatch(words);
    const { kind, message } = await refusal();
    expect(kind).toBe("Invalid");
    expect(message).toMatch(words);
    expect(message).toContain("hint: restore the journal from a copy");
    expect(message).toContain(`remove ${path}.state`);
    expect(faults()).toMatch(words);
    // The way to go on.
    for (const [, named] of message.matchAll(/(?:remove | and )(\S+\.state|\S+-wal)\b/g)) {
      if (named !== undefined && existsSync(named)) rmSync(named);
    }
    await start(await open(), "after");
  });

  test("an older copy in its place is found", async () => {
    const first = await open();
    await start(first, "early");
    await first.close();
    copyFileSync(path, `${folder.path}/copy.db`);
    const second = await open();
    for (let i = 0; i < 5; i++) await start(second, `w${i}`);
    machine.time += 300;
    await start(second, "last");
    await second.close();
    copyFileSync(`${folder.path}/copy.db`, path);
    expect((await refusal()).message).toContain("an older copy took its place");
  });

  test("what a crash leaves of one commit is no loss", async () => {
    await killed();
    truncateSync(`${path}-wal`, endOfLog() - 100);
    rmSync(`${path}.state`);
    expect(faults()).toBe("");
    await open();
  });

  test("a journal that was moved away is begun again, and a mark that is cut off says nothing", async () => {
    await killed();
    for (const end of ["", "-wal"]) renameSync(path + end, `${folder.path}/moved${end}`);
    await start(await open(), "new");
    await opened.pop()!.close();
    writeFileSync(`${path}.state`, '{"journal":');
    await open();
  });
});

describe("a journal is its file", () => {
  test("a symbolic link leads to the same lock", async () => {
    await open();
    symlinkSync(path, `${folder.path}/link.db`);
    expect(await refusal(`${folder.path}/link.db`)).toMatchObject({ kind: "Conflict" });
    symlinkSync(`${folder.path}/state`, `${folder.path}/linked`);
    expect(await refusal(`${folder.path}/linked/journal.db`)).toMatchObject({ kind: "Conflict" });
  });

  test("a hard link is refused, and check says so", async () => {
    await (await open()).close();
    linkSync(path, `${folder.path}/hard.db`);
    expect((await refusal()).message).toContain("2 names (hard links)");
    expect((await refusal(`${folder.path}/hard.db`)).message).toContain("2 names (hard links)");
    expect(faults()).toContain("2 names (hard links)");
  });

  test("who opens it though the lock was removed is its owner; the other accepts nothing more", async () => {
    const place = new SqlitePlace({ inline: true }, { path });
    const first = await Runtime.open({ place });
    await first.start("app:w", [], { workflowId: "a" });
    rmSync(`${path}.lock`);
    const second = await open();
    const error = await first.start("app:w", [], { workflowId: "b" }).catch((error) => error);
    expect(error).toMatchObject({ kind: "Conflict", retryable: false });
    expect(error.message).toContain("taken over by another runtime");
    expect(await first.start("app:w", [], { workflowId: "c" }).catch((error) => error.kind))
      .toBe("Conflict");
    await settle();
    expect(first.reports.map(({ message }) => message)).toContain(error.message);
    await start(second, "d");
    await first.provider.close();
    await start(second, "e");
    expect((await second.list({})).runs.map(({ workflowId }) => workflowId))
      .toEqual(["e", "d", "a"]);
  });

  test.each(["folder", "journal.db", "journal.db-wal"])(
    "no start is accepted when its %s was removed",
    async (what) => {
      const provider = await open();
      await start(provider, "a");
      if (what === "folder") rmSync(`${folder.path}/state`, { recursive: true });
      else rmSync(`${folder.path}/state/${what}`);
      const error = await start(provider, "b").catch((error) => error);
      expect(error).toMatchObject({ kind: "Unavailable", retryable: false });
      expect(error.message).toContain("was removed or replaced while the runtime uses it");
      if (what === "journal.db-wal") return;
      // Another runtime begins there, and loses nothing when the first one ends.
      if (what === "journal.db") {
        for (const end of ["-wal", "-shm"]) rmSync(path + end, { force: true });
      }
      rmSync(`${path}.lock`, { force: true });
      const second = await open();
      await start(second, "c");
      await provider.close();
      await start(second, "d");
      expect((await second.list({})).runs).toHaveLength(2);
      const database = new Database(path, { readonly: true });
      expect(database.query("SELECT count(*) AS n FROM runs").get()).toEqual({ n: 2 });
      database.close();
    },
  );
});

test("nobody else may read the journal, what is beside it, or a copy of it", async () => {
  mkdirSync(`${folder.path}/state`, { mode: 0o755 });
  // As older programs have made it.
  const provider = await open();
  await start(provider, "a");
  backUpJournal(path, `${folder.path}/copy.db`);
  const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
  const files = ["", "-wal", "-shm", ".lock", ".state"].map((end) => path + end);
  for (const file of [...files, `${folder.path}/copy.db`]) {
    expect([file, mode(file)]).toEqual([file, "600"]);
  }
  await provider.close();
  compactJournal(path);
  expect(mode(path)).toBe("600");
  const made = await open(`${folder.path}/made/journal.db`);
  await start(made, "b");
  expect(mode(`${folder.path}/made`)).toBe("700");
});
