import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../until.ts";

const main = join(import.meta.dir, "../../../src/main.ts");

const index = (journal: string) => `
version: "1.0"
namespace: app
entries:
  - { name: durable, kind: workflow.host, journal: "${journal}", lifecycle: { auto_start: true } }
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: files, kind: fs.directory, directory: . }
  - name: order
    kind: workflow.lua
    modules: [fs, time]
    source: |
      return { main = function()
        assert(require("fs").get("app:files"):writefile("notes.txt", "began\\n", "a"))
        process.listen("go"):receive()
        return "finished"
      end }
  - name: begin
    kind: process.lua
    meta: { command: { name: begin } }
    modules: [io, time]
    source: |
      return { main = function()
        local io, time = require("io"), require("time")
        local pid = assert(process.with_options{ ["workflow.id"] = "one" }
          :spawn("app:order", "app:durable"))
        io.print("begun")
        process.events():receive()
      end }
  - name: finish
    kind: process.lua
    meta: { command: { name: finish } }
    source: |
      return { main = function()
        local pid = assert(process.with_options{ ["workflow.id"] = "one" }
          :with_message("go"):spawn_monitored("app:order", "app:durable"))
        local result = process.events():receive().result
        return result.value, result.error
      end }
  - name: fill
    kind: process.lua
    meta: { command: { name: fill } }
    source: |
      return { main = function()
        local pid = assert(process.with_options{ ["workflow.id"] = "one" }
          :spawn("app:order", "app:durable"))
        for _ = 1, 10000 do
          local ok, err = process.send(pid, "more", string.rep("x", 1000))
          if not ok then return nil, err end
        end
      end }
`;

let folder: string;
let journal: string;

function setStage(path = ".wippy/journal.db"): void {
  mkdirSync(join(folder, "src"), { recursive: true });
  writeFileSync(join(folder, "wippy.lock"), "directories: { src: ./src }\n");
  writeFileSync(join(folder, "src", "_index.yaml"), index(path));
}

function start(command: string[]) {
  return Bun.spawn(command, { cwd: folder, stdout: "pipe", stderr: "pipe" });
}

const wippy = (command: string) => start([process.execPath, main, "run", command]);

async function ended(child: ReturnType<typeof start>) {
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { output, errors, status };
}

/** Leaves an open run in the journal: its runtime is killed. */
async function openRun(): Promise<void> {
  const child = wippy("begin");
  const notes = join(folder, "notes.txt");
  await until(() => existsSync(notes));
  // Wherever the kill meets it, the next start can finish it.
  child.kill("SIGKILL");
  await child.exited;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wippy-journal-"));
  journal = join(folder, ".wippy", "journal.db");
  setStage();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a second runtime on the same journal is refused; the first goes on", async () => {
  const first = wippy("begin");
  const reader = first.stdout.getReader();
  await reader.read();
  const second = await ended(wippy("finish"));
  expect(second).toMatchObject({ status: 1, output: "" });
  expect(second.errors).toContain("journal");
  expect(second.errors).toContain(String(first.pid));
  expect(second.errors).not.toContain("    at ");
  first.kill("SIGINT");
  expect(await first.exited).toBe(0);
  expect(await ended(wippy("finish"))).toEqual({ output: "finished\n", errors: "", status: 0 });
}, 20_000);

describe("a journal that cannot be used", () => {
  /** Runs `finish`, which must fail with these words, and leave the file as it is. */
  async function refused(words: RegExp, untouched = journal): Promise<void> {
    const before = existsSync(untouched) ? readFileSync(untouched) : undefined;
    const { output, errors, status } = await ended(wippy("finish"));
    expect({ output, status }).toEqual({ output: "", status: 1 });
    expect(errors).toMatch(words);
    expect(errors).not.toContain("    at ");
    if (before) expect(readFileSync(untouched).equals(before)).toBe(true);
  }

  test("is newer", async () => {
    await openRun();
    const change = (version: number) => {
      const database = new Database(journal);
      const known = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
      database.run(`PRAGMA user_version = ${version}`);
      database.run("PRAGMA wal_checkpoint(TRUNCATE)");
      database.close();
      return known!.user_version;
    };
    const known = change(1000);
    await refused(/written by a newer wippy \(schema 1000/);
    change(known);
    expect((await ended(wippy("finish"))).output).toBe("finished\n");
  }, 20_000);

  test("is damaged", async () => {
    await openRun();
    const database = new Database(journal);
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    const whole = readFileSync(journal);
    const file = openSync(journal, "r+");
    writeSync(file, Buffer.alloc(statSync(journal).size - 4096, 0x5a), 0, null, 4096);
    closeSync(file);
    await refused(/damaged/);
    writeFileSync(journal, whole);
    expect((await ended(wippy("finish"))).output).toBe("finished\n");
  }, 20_000);

  test("is no journal", async () => {
    mkdirSync(join(folder, ".wippy"));
    writeFileSync(journal, "not a database, but somebody's text\n".repeat(100));
    await refused(/journal/);
  });

  test("has a folder that is a file", async () => {
    writeFileSync(join(folder, "place"), "");
    setStage("place/journal.db");
    await refused(/place\/journal\.db.*(folder|directory)/s, join(folder, "place"));
  });

  test("has a folder that cannot be made", async () => {
    setStage("/proc/wippy/journal.db");
    await refused(/\/proc\/wippy/, "/proc/version");
  });
});

test("a full disk stops progress with a clear error, and nothing is lost", async () => {
  await openRun();
  // A file may not grow above 400 blocks of 512 bytes; the signal for it is ignored, so that the write fails.
  const limited = start([
    "sh",
    "-c",
    `trap "" XFSZ; ulimit -f 400; exec "${process.execPath}" "${main}" run fill`,
  ]);
  const { errors, status } = await ended(limited);
  expect(status).toBe(1);
  expect(errors).toMatch(/journal .* cannot (grow|be written)/);
  expect(await ended(wippy("finish"))).toMatchObject({ output: "finished\n", status: 0 });
}, 30_000);
