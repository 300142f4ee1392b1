import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzip, tar, zip } from "../../../release/archive.ts";
import { readMember, readTarball } from "../../../src/cli/upgrade/archive.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const time = 1_700_000_000;
const bytes = (text: string) => new TextEncoder().encode(text);
const files = [
  { path: "a/program", data: bytes("#!/bin/sh\n"), executable: true },
  { path: "a/b/text", data: bytes("words\n") },
];

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wippy-archive-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Unpacks with the machine's program. */
function unpack(command: string[], name: string, data: Uint8Array): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, name), data);
  const run = Bun.spawnSync(command, { cwd: folder, env: { ...process.env, TZ: "UTC" } });
  expect([run.exitCode, run.stderr.toString()]).toEqual([0, ""]);
  return folder;
}

test("an archive depends on its files and the time alone", async () => {
  const reversed = files.toReversed();
  expect(await tar(reversed, time)).toEqual(await tar(files, time));
  expect(await zip(reversed, time)).toEqual(await zip(files, time));
  expect(await tar(files, time + 1)).not.toEqual(await tar(files, time));
  const at = (zone: string) => {
    const code =
      `const { zip } = await import(${
        JSON.stringify(join(import.meta.dir, "../../../release/archive.ts"))
      });` +
      `console.log(Buffer.from(await zip([{ path: "a", data: Buffer.from("a") }], ${time})).toString("hex"))`;
    return Bun.spawnSync([process.execPath, "-e", code], { env: { ...process.env, TZ: zone } })
      .stdout.toString();
  };
  expect(at("Asia/Tokyo")).toBe(at("America/New_York"));
  expect(at("UTC")).toMatch(/^504b/);
});

test("tar unpacks it, with modes and times", async () => {
  const folder = unpack(["tar", "xzf", "x.tar.gz"], "x.tar.gz", gzip(await tar(files, time)));
  expect(readFileSync(join(folder, "a/b/text"), "utf8")).toBe("words\n");
  expect(statSync(join(folder, "a/program")).mode & 0o777).toBe(0o755);
  expect(statSync(join(folder, "a/b/text")).mtimeMs).toBe(time * 1000);
});

test.skipIf(Bun.which("unzip") === null)("unzip unpacks it (skipped without unzip)", async () => {
  const folder = unpack(["unzip", "-q", "x.zip"], "x.zip", await zip(files, time));
  expect(readFileSync(join(folder, "a/b/text"), "utf8")).toBe("words\n");
  expect(statSync(join(folder, "a/program")).mode & 0o777).toBe(0o755);
  expect(statSync(join(folder, "a/b/text")).mtimeMs).toBe(time * 1000);
});

test("reads what it wrote, and refuses what is damaged", async () => {
  const archive = gzip(await tar(files, time));
  expect(
    [...await readTarball(archive)].map(([path, data]) => [path, Buffer.from(data).toString()]),
  )
    .toEqual([["a/b/text", "words\n"], ["a/program", "#!/bin/sh\n"]]);
  expect(Buffer.from(await readMember(await zip(files, time), "x.zip", "a/b/text")).toString())
    .toBe("words\n");
  await expect(readMember(archive, "x.tar.gz", "a/c")).rejects.toThrow("x.tar.gz has no a/c");
  await expect(readTarball(archive.slice(0, archive.length - 20))).rejects.toThrow();
});
