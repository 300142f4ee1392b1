import type { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import {
  openDatabase,
  openTemporary,
} from "../../../../../../src/workflows/providers/sqlite/store/open.ts";
import { temporaryFolder } from "../../../../../conformance/sqlite-place.ts";

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => folder = temporaryFolder());
afterEach(() => folder.remove());

/** Opens a file that is empty, as its owner has made it. */
function make(name: string, open: (path: string) => Database): Database {
  const path = `${folder.path}/${name}`;
  writeFileSync(path, "");
  return open(path);
}

function described(database: Database): unknown[] {
  return [
    database.query("SELECT type, name, sql FROM sqlite_schema ORDER BY name").all(),
    ...["user_version", "application_id", "journal_mode"].map((name) =>
      database.query(`PRAGMA ${name}`).get()
    ),
  ];
}

test("a temporary journal is like any other, and empty, whatever is in those before it", () => {
  const usual = make("usual.db", (path) => openDatabase(path));
  const first = make("first.db", (path) => openTemporary(path));
  first.run("INSERT INTO owner (id, journal, epoch, commits) VALUES (1, 'first', 0, 0)");
  first.close();
  const second = make("second.db", (path) => openTemporary(path));
  expect(described(second)).toEqual(described(usual));
  expect(second.query("SELECT count(*) AS n FROM owner").get()).toEqual({ n: 0 });
  expect(second.query("PRAGMA synchronous").get()).toEqual({ synchronous: 0 });
  expect(usual.query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  usual.close();
  second.close();
});

test("a temporary journal that is not empty keeps what it has", () => {
  const path = `${folder.path}/kept.db`;
  writeFileSync(path, "");
  const before = openTemporary(path);
  before.run("INSERT INTO owner (id, journal, epoch, commits) VALUES (1, 'kept', 0, 7)");
  before.close();
  const after = openTemporary(path);
  expect(after.query("SELECT journal, commits FROM owner").get())
    .toEqual({ journal: "kept", commits: 7 });
  after.close();
});
