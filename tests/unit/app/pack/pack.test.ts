import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ZipFile } from "yazl";
import { loadApplication } from "../../../../src/app/app.ts";
import {
  isSafePath,
  type Manifest,
  packLimits,
  packText,
  packValue,
} from "../../../../src/app/pack/pack.ts";
import { Pack } from "../../../../src/app/pack/read.ts";
import { writePack } from "../../../../src/app/pack/write.ts";
import { loadFiles, printed, writeFiles } from "../temporary-application.ts";

const base = mkdtempSync(join(tmpdir(), "wippy-pack-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const at = (name: string) => join(base, name);
const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const entries = [
  {
    id: "app:public",
    kind: "fs.embed",
    meta: {},
    data: { directory: "./public" },
    origin: { file: "src/_index.yaml", line: 4, column: 5 },
  },
  { id: "app:data", kind: "registry.entry", meta: { big: 9007199254740993n }, data: { n: NaN } },
];

function write(name: string, directory = at("public")) {
  return writePack(at(name), {
    entries,
    resources: [{ entry: "app:public", directory }],
    metadata: { "runtime.logger.encoding": "json", "runtime.logger.level": "debug" },
    skipped: new Set(),
  });
}

beforeAll(async () => {
  mkdirSync(at("public/deep"), { recursive: true });
  writeFileSync(at("public/b.txt"), "b");
  writeFileSync(at("public/deep/a.bin"), new Uint8Array(300_000));
  await write("sound.wapp");
  await archive("empty.wapp", manifestOf([]), { "entries.json": "[]" });
});

const load = (name: string, directory = base) =>
  loadApplication({ directory, system: {}, pack: at(name), unpackInto: at("unpacked") });

/** Writes an archive as it is told; `pack.json` lists what the manifest says. */
async function archive(
  name: string,
  manifest: unknown,
  members: Record<string, string | Uint8Array>,
): Promise<string> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(JSON.stringify(manifest)), "pack.json");
  for (const [path, bytes] of Object.entries(members)) zip.addBuffer(Buffer.from(bytes), path);
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(part as Buffer);
  writeFileSync(at(name), Buffer.concat(parts));
  return name;
}

function manifestOf(files: Manifest["resources"][number]["files"], text = "[]"): Manifest {
  return {
    format: "wippy-pack",
    version: 1,
    metadata: {},
    entries: { size: text.length, sha256: sha256(text) },
    resources: files.length === 0 ? [] : [{ entry: "app:public", files }],
  };
}

test("the same input gives the same bytes, whatever the times of its files", async () => {
  const first = await write("one.wapp");
  utimesSync(at("public/b.txt"), new Date(0), new Date(0));
  expect(await write("two.wapp")).toEqual(first);
  expect(readFileSync(at("two.wapp"))).toEqual(readFileSync(at("one.wapp")));
  expect(sha256(readFileSync(at("one.wapp")))).toBe(first.sha256);
  expect(readdirSync(base).filter((name) => name.endsWith(".part"))).toEqual([]);
});

test("what comes out is what went in", async () => {
  const application = await load("sound.wapp");
  expect(printed(application)).toEqual([]);
  const [data, embed] = application.entries;
  expect(data).toMatchObject({ meta: { big: 9007199254740993n }, data: { n: NaN } });
  const directory = String(embed!.data["directory"]);
  expect(directory).toStartWith(at("unpacked"));
  expect(readFileSync(join(directory, "b.txt"), "utf8")).toBe("b");
  expect(readFileSync(join(directory, "deep/a.bin"))).toEqual(Buffer.alloc(300_000));
});

test("its configuration is below every other", async () => {
  const directory = writeFiles({ ".wippy.yaml": "logger: { level: warn }\n" });
  const { config } = await load("sound.wapp", directory);
  expect(config.string("logger.encoding")).toBe("json");
  expect(config.string("logger.level")).toBe("warn");
});

test("unpacked files that were changed are replaced", async () => {
  const { entries } = await load("sound.wapp");
  const file = join(String(entries[1]!.data["directory"]), "b.txt");
  writeFileSync(file, "B");
  await load("sound.wapp");
  expect(readFileSync(file, "utf8")).toBe("b");
});

test("a module of the lock file may be a pack", async () => {
  const application = await loadFiles({
    "wippy.lock": "directories: { src: ./src }\nmodules: [{ name: a/c, version: 2.0.0 }]\n",
    ".wippy/vendor/a/c-2.0.0.wapp": readFileSync(at("sound.wapp")) as unknown as string,
  });
  expect(printed(application)).toEqual([]);
  expect(application.entries.map(({ id, meta }) => [id, meta["module"], meta["module_version"]]))
    .toEqual([["app:data", "a/c", "2.0.0"], ["app:public", "a/c", "2.0.0"]]);
});

test("a module that is not what the lock file says is told", async () => {
  const sound = readFileSync(at("sound.wapp"));
  const lock = (name: string, hash: string, more = "") =>
    `  - { name: ${name}, version: 2.0.0, hash: "sha256:${hash}"${more} }\n`;
  const application = await loadFiles({
    "wippy.lock": "directories: { src: ./src }\nmodules:\n" + lock("a/right", sha256(sound)) +
      lock("a/wrong", sha256("x")) + lock("b/file", sha256("x"), ", source: ./b") +
      // Hashes of modules that were put there by hand may be of any kind.
      lock("b/hand", sha256("x")),
    ".wippy/vendor/a/right-2.0.0.wapp": sound as unknown as string,
    ".wippy/vendor/a/wrong-2.0.0.wapp": readFileSync(at("empty.wapp")) as unknown as string,
    ".wippy/vendor/b/file": "no folder",
    ".wippy/vendor/b/hand/_index.yaml": "namespace: b\n",
  });
  const changed = printed(application).filter((line) => line.includes("was changed"));
  expect(changed).toEqual([
    "wippy.lock  module a/wrong 2.0.0 was changed: its hash is not the one in the file\n" +
    "    hint: get .wippy/vendor/a/wrong-2.0.0.wapp again, or correct its hash",
    "wippy.lock  module b/file 2.0.0 was changed: its hash is not the one in the file\n" +
    '    hint: run "wippy install" to get it again',
  ]);
});

test("symbolic links are not packed", async () => {
  mkdirSync(at("linked"));
  symlinkSync("/etc/hostname", at("linked/name"));
  const refused = write("linked.wapp", at("linked"));
  await expect(refused).rejects.toThrow(
    "app:public: name is a symbolic link; a pack holds regular",
  );
});

test("every truncated pack is refused", async () => {
  const whole = readFileSync(at("sound.wapp"));
  for (let length = 0; length < whole.length; length += 61) {
    writeFileSync(at("short.wapp"), whole.subarray(0, length));
    const { problems, entries } = await load("short.wapp");
    expect(problems.map(({ severity }) => severity)).toEqual(["error"]);
    expect(entries).toEqual([]);
  }
});

test("no changed byte of a member passes", async () => {
  const whole = readFileSync(at("sound.wapp"));
  rmSync(at("unpacked"), { recursive: true, force: true });
  for (let place = 40; place < whole.length - 600; place += 53) {
    const bytes = Buffer.from(whole);
    bytes[place]! ^= 0x11;
    writeFileSync(at("changed.wapp"), bytes);
    const opened = await Pack.open(at("changed.wapp")).catch(() => undefined);
    if (opened === undefined) continue;
    // What no reader looks at, such as a name that is there twice, may change.
    const read = await Promise.all([opened.entries(), opened.check()]).catch(() => undefined);
    if (read) expect(read[0]).toEqual(await soundEntries());
    opened.close();
  }
});

async function soundEntries() {
  const pack = await Pack.open(at("sound.wapp"));
  const entries = await pack.entries();
  pack.close();
  return entries;
}

describe("a pack is refused", () => {
  const b = { path: "b", size: 1, sha256: sha256("b") };
  const member = { "entries.json": "[]", "resources/0/b": "b" };
  const cases: [string, unknown, Record<string, string | Uint8Array>, string][] = [
    [
      "of another format",
      { format: "other" },
      member,
      "pack.json is not that of a pack of this wippy",
    ],
    ["of a later version", { ...manifestOf([b]), version: 2 }, member, "version must be 1"],
    ["without a file", manifestOf([b]), { "entries.json": "[]" }, "resources/0/b is missing"],
    [
      "with a file that is not listed",
      manifestOf([]),
      member,
      "resources/0/b does not belong to it",
    ],
    [
      "with a path that leads out",
      manifestOf([{ ...b, path: "../../evil" }]),
      member,
      "the path leads out of its folder",
    ],
    [
      "with another size",
      manifestOf([{ ...b, size: 2 }]),
      member,
      "resources/0/b does not have 2 bytes",
    ],
    [
      "with another file",
      manifestOf([{ ...b, sha256: sha256("c") }]),
      member,
      "resources/0/b was changed: its hash is not the one in pack.json",
    ],
    [
      "with other entries",
      manifestOf([]),
      { "entries.json": "{}" },
      "entries.json was changed: its hash is not the one in pack.json",
    ],
    [
      "with entries that are none",
      manifestOf([], '[{"id":"x"}]'),
      { "entries.json": '[{"id":"x"}]' },
      "entries.json: 0.id",
    ],
    [
      "that says it would be too large",
      manifestOf([{ ...b, size: packLimits.resourceBytes + 1 }]),
      member,
      `its files have more than ${packLimits.resourceBytes} bytes`,
    ],
    [
      "with a manifest that is a bomb",
      " ".repeat(packLimits.manifestBytes),
      {},
      `pack.json has more than ${packLimits.manifestBytes} bytes`,
    ],
    [
      "without the files of an entry",
      manifestOf([], packText([entries[0]])),
      { "entries.json": packText([entries[0]]) },
      "it has no files for app:public",
    ],
  ];
  test.each(cases)("%s", async (_, manifest, members, expected) => {
    const { problems } = await load(await archive("bad.wapp", manifest, members));
    expect(problems).toHaveLength(1);
    expect(problems[0]!.message).toContain(expected);
  });

  test("with a file twice", async () => {
    const name = await archive("twice.wapp", manifestOf([]), {
      "entries.json": "[]",
      "entries.jsox": "",
    });
    const bytes = readFileSync(at(name));
    for (let found; (found = bytes.indexOf("entries.jsox")) >= 0;) {
      bytes.write("entries.json", found);
    }
    writeFileSync(at(name), bytes);
    const { problems } = await load(name);
    expect(problems[0]!.message).toBe("cannot load: entries.json is in it twice");
  });
});

test("paths stay below their folder", () => {
  const unsafe = [
    "",
    "/a",
    "a//b",
    "./a",
    "a/../b",
    "..",
    "a\\b",
    "C:/a",
    "a\0",
    "a/",
    "x".repeat(1025),
  ];
  expect(unsafe.filter(isSafePath)).toEqual([]);
  expect(["a", "a/b.c", "..a", ".hidden/…"].filter((path) => !isSafePath(path))).toEqual([]);
});

test("numbers that JSON has not survive, and their form cannot be forged", () => {
  const values = [2n ** 63n - 1n, -(2n ** 63n), NaN, Infinity, -Infinity, -0, 1.5, 7];
  expect(packValue(packText(values))).toEqual(values);
  expect(() => packText({ $number: "1" })).toThrow("a map with the key $number");
  expect(() => packValue('{"$number":"x"}')).toThrow('"x" is not a number');
});
