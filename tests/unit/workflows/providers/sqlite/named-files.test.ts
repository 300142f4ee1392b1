/** Whether open files still have their names, without a look at them as long as their folder is as it was. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { NamedFiles } from "../../../../../src/workflows/providers/sqlite/store/named-files.ts";
import { temporaryFolder } from "../../../../conformance/sqlite-place.ts";

let place: ReturnType<typeof temporaryFolder>;
let folder: string;
let files: string[];
let named: NamedFiles;

/** Seconds since 1970 at which the folder was changed. */
const changed = 1_000_000;
const now = (changed + 3) * 1_000;

beforeEach(() => {
  place = temporaryFolder();
  folder = `${place.path}/state`;
  mkdirSync(folder);
  files = ["journal", "log"].map((name) => `${folder}/${name}`);
  for (const file of files) writeFileSync(file, "");
  named = new NamedFiles([files[0]!, files[1]!]);
  utimesSync(folder, changed, changed);
});

afterEach(() => place.remove());

const lost: [what: string, change: () => void][] = [
  ["the first is removed", () => rmSync(files[0]!)],
  ["the second is removed", () => rmSync(files[1]!)],
  ["one is renamed", () => renameSync(files[1]!, `${folder}/other`)],
  ["another takes its place", () => {
    writeFileSync(`${place.path}/new`, "");
    renameSync(`${place.path}/new`, files[1]!);
  }],
  ["the folder is removed", () => rmSync(folder, { recursive: true })],
  ["the folder is renamed", () => renameSync(folder, `${place.path}/other`)],
];

describe.each(lost)("%s", (_what, change) => {
  test("is noticed", () => {
    expect([named.stillPresent(now), named.stillPresent(now), named.present]).toEqual([
      true,
      true,
      true,
    ]);
    change();
    expect([named.stillPresent(now), named.present]).toEqual([false, false]);
  });

  test("is noticed where times of the file system are so coarse that the folder's stays", () => {
    expect(named.stillPresent(changed * 1_000 + 1_500)).toBe(true);
    change();
    if (statSync(folder, { throwIfNoEntry: false })) utimesSync(folder, changed, changed);
    expect(named.stillPresent(changed * 1_000 + 1_600)).toBe(false);
    expect(named.stillPresent(now)).toBe(false);
  });
});

test("other files come and go", () => {
  expect(named.stillPresent(now)).toBe(true);
  writeFileSync(`${folder}/other`, "");
  expect(named.stillPresent(now)).toBe(true);
  rmSync(`${folder}/other`);
  expect(named.stillPresent(now)).toBe(true);
});

test("files are not looked at while the folder is as it was", () => {
  expect(named.stillPresent(now)).toBe(true);
  rmSync(files[1]!);
  // As only somebody who wants to be missed would do.
  utimesSync(folder, changed, changed);
  expect(named.stillPresent(now)).toBe(true);
  expect(named.present).toBe(false);
});
