import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { Environment } from "../../../src/app/environment.ts";
import { openFiles } from "../../open-files.ts";
import { until } from "../../until.ts";
import { entryOf, testServices } from "../operations/services.ts";
import { runUnit } from "./lua-unit.ts";

const directory = mkdtempSync(join(tmpdir(), "wippy-archive-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const data = join(directory, "data");
mkdirSync(data);
const entries = [
  entryOf("app:data", "fs.directory", { directory: "data" }),
  entryOf("app:readonly", "fs.directory", { directory: "data", mode: "0555" }),
];
const services = {
  entry: testServices(entries).entry,
  environment: new Environment(entries, { directory, system: {} }),
  directory,
};

async function run(body: string) {
  const outcome = await runUnit(
    `local archive, fs = require("archive"), require("fs")
     local function told(err) return err and err:kind() .. ": " .. err:message() end
     local function main()
       local volume = assert(fs.get("app:data"))
       ${body}
     end
     return { main = main }`,
    { services },
  );
  if (outcome.error) throw outcome.error;
  return outcome;
}

const value = async (body: string) => (await run(body)).value;

/** A zip archive with entries whose names, attributes and sizes are what the test says. */
function zipOf(
  files: { name: string; content?: Uint8Array; attributes?: number; size?: number; crc?: number }[],
): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content = new Uint8Array(), attributes = 0o100644, size, crc } of files) {
    const packed = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc ?? Bun.hash.crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(size ?? content.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), packed]);
    const end = Buffer.alloc(14);
    end.writeUInt32LE((attributes << 16) >>> 0, 6);
    end.writeUInt32LE(offset, 10);
    central.push(
      Buffer.concat([Buffer.from("PK\x01\x02\x14\x03"), common, end, Buffer.from(name)]),
    );
    locals.push(local);
    offset += local.length;
  }
  const size = central.reduce((sum, { length }) => sum + length, 0);
  const tail = Buffer.alloc(22);
  tail.write("PK\x05\x06", 0, "latin1");
  tail.writeUInt16LE(files.length, 8);
  tail.writeUInt16LE(files.length, 10);
  tail.writeUInt32LE(size, 12);
  tail.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...central, tail]);
}

async function tarOf(
  files: { name: string; content?: string; type?: "symlink" | "file"; linkname?: string }[],
): Promise<Buffer> {
  const archive = pack();
  for (const { content = "", ...header } of files) archive.entry(header, content);
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe.each(["zip", "tar", "tar.gz", "tar.zst"])("%s", (format) => {
  const random = format === "zip" || format === "tar";

  test("what is written is read again", async () => {
    expect(
      await value(`
        assert(volume:writefile("big.bin", ("0123456789"):rep(50000)))
        local w = assert(archive.create(volume, "a.${format}"))
        assert(w:add_dir("docs", { modified = 86400 }))
        assert(w:add("docs/a.txt", "hello\\0\\xff", { mode = 384, modified = 86400 }))
        assert(w:add("empty", "", { method = "store" }))
        assert(w:add_file("big", volume, "big.bin"))
        assert(w:close())
        assert(w:close())
        local r = assert(archive.open(volume, "a.${format}"))
        local lines = {}
        for e in r:entries() do
          lines[#lines + 1] = ("%s %d %s %s"):format(e.name, e.size, e.type, e.is_dir)
          if e.name == "docs/a.txt" then lines[#lines + 1] = e.mode .. " " .. e.modified end
        end
        assert(r:close())
        return lines`),
    ).toEqual([
      "docs/ 0 directory true",
      "docs/a.txt 7 file false",
      "384 86400",
      "empty 0 file false",
      "big 500000 file false",
    ]);
  });

  test("an entry is found by its name where that can be done", async () => {
    const found = await value(`
      local r = assert(archive.open(volume, "a.${format}"))
      local stat, err = r:stat("docs/a.txt")
      local content = r:read("docs/a.txt")
      local _, missing = r:read("none")
      local size, stream = 0, r:stream("big")
      while stream do
        local part = stream:read(65536)
        if not part then break end
        size = size + #part
      end
      return { stat and stat.size or told(err), content or "none", told(missing), size }`);
    const refused = `Unavailable: archive: ${format} has no random access; ` +
      "walk through it with scan, entries or extract_all";
    expect(found).toEqual(
      random
        ? [
          7,
          new Uint8Array([...Buffer.from("hello"), 0, 255]),
          "NotFound: archive: no entry none",
          500000,
        ]
        : [refused, "none", refused, 0] as never,
    );
  });

  test("a stream is walked through, and an entry dies with the next step", async () => {
    expect(
      await value(`
        local s = assert(archive.scan(volume:open("a.${format}"):stream()))
        local lines, old = {}, nil
        for e, stream in s:walk() do
          if e.name == "docs/a.txt" then
            lines[#lines + 1] = stream:read(2) .. stream:read(3)
            old = stream
          elseif e.name == "big" then
            lines[#lines + 1] = told(select(2, old:read()))
            local size = 0
            for part in function() return (assert(stream:read())) end do
              size = size + #part
              if size == 500000 then break end
            end
            lines[#lines + 1] = size
          end
        end
        s:close()
        return lines`),
    ).toEqual(["hello", "Internal: archive: the walk has gone past the entry", 500000]);
  });

  test("everything is extracted", async () => {
    expect(
      await value(`
        local r = assert(archive.open(volume:open("a.${format}")))
        local count = assert(r:extract_all(volume, { prefix = "out-${format}", strip = 1,
          filter = function(e) return e.name ~= "big" end }))
        return { count, volume:readfile("out-${format}/a.txt"), volume:exists("out-${format}/big") }`),
    ).toEqual([1, new Uint8Array([...Buffer.from("hello"), 0, 255]), false]);
  });

  test("an archive is written into a stream", async () => {
    expect(
      await value(`
        local file = volume:open("s.bin", "w")
        local w = assert(archive.create(file:stream(), { format = "${format}" }))
        local text = ("the quick brown fox "):rep(40000)
        assert(w:add("fox", text))
        assert(w:close())
        file:close()
        for e, stream in assert(archive.scan(volume:open("s.bin"))):walk() do
          local parts = {}
          for part in function() return (stream:read()) end do parts[#parts + 1] = part end
          return e.name == "fox" and table.concat(parts) == text
        end`),
    ).toBe(true);
  });

  test("what is cut off is Invalid", async () => {
    expect(
      await value(`
        local whole = volume:readfile("a.${format}")
        local r, err = archive.open(whole:sub(1, #whole // 2), { format = "${format}" })
        if r then
          local ok
          ok, err = pcall(function() for _ in r:entries() do end end)
        end
        return err:kind()`),
    ).toBe("Invalid");
  });
});

describe("limits", () => {
  const bomb = zipOf([{ name: "a", content: new Uint8Array(3_000_000) }]);
  const liar = zipOf([{ name: "a", content: new Uint8Array(3_000_000), size: 10 }]);
  writeFileSync(join(data, "bomb.zip"), bomb);
  writeFileSync(join(data, "liar.zip"), liar);
  writeFileSync(join(data, "bomb.tar.gz"), gzipSync(Buffer.alloc(20_000_000)));

  test.each([
    [`archive.open(volume, "a.zip", { max_entries = 3 })`, /more than 3 entries/],
    [`archive.open(volume, "bomb.zip", { max_file_bytes = 1000 }):read("a")`, /max_file_bytes/],
    [`archive.open(volume, "bomb.zip", { max_total_bytes = 1000 }):read("a")`, /max_total_bytes/],
    [`archive.open(volume, "bomb.zip", { max_inline_bytes = 1000 }):read("a")`, /max_inline_bytes/],
    [`archive.open(volume, "liar.zip"):read("a")`, /corrupt: too many bytes/],
    [`archive.scan(volume:open("bomb.zip"), { max_total_bytes = 1000 })`, /max_total_bytes/],
    [`archive.open(volume, "a.tar", { max_file_bytes = 1000 }):read("big")`, /max_file_bytes/],
    [`archive.open(volume, "a.zip", { max_file_bytes = 1000 }):extract_all(volume)`, /max_file_by/],
    [`archive.create(volume, "x.zip", { max_file_bytes = 2 }):add("a", "abc")`, /max_file_bytes/],
  ])("%s", async (call, message) => {
    const [kind, text] = await value(
      `local _, err = ${call} return { err:kind(), err:message() }`,
    ) as string[];
    expect(kind).toBe("Invalid");
    expect(text).toMatch(message);
  });

  test("the entries of a tar archive are counted while it is read", async () => {
    expect(
      await value(`
        local ok, err = pcall(function()
          for _ in archive.open(volume, "a.tar.gz", { max_entries = 3 }):entries() do end
        end)
        return told(err)`),
    ).toBe("Invalid: archive: more than 3 entries; raise max_entries");
  });

  test("a long header is not kept in memory", async () => {
    const header = (name: string, size: number, type: string) => {
      const block = Buffer.alloc(512);
      block.write(name);
      block.write("0000644\0".padEnd(8), 100);
      block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
      block.write("00000000000\0", 136);
      block.write("        ", 148);
      block.write(type, 156);
      block.write("ustar\x0000", 257);
      const sum = block.reduce((total, byte) => total + byte, 0);
      block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      return block;
    };
    const size = 64 * 1024 * 1024;
    const bytes = Buffer.concat([header("x", size, "x"), Buffer.alloc(size, 0x20)]);
    writeFileSync(join(data, "pax.tar.gz"), gzipSync(bytes));
    expect(
      await value(`
        local ok, err = pcall(function()
          for _ in archive.open(volume, "pax.tar.gz"):entries() do end
        end)
        return told(err)`),
    ).toBe("Invalid: archive: corrupt: Header exceeds max size");
  });
});

describe("unsafe entries", () => {
  const names = ["../evil", "/etc/evil", "a/../../evil", "C:evil", "a\\b", "a\0b"];

  test.each(names)("%j is listed and not extracted", async (name) => {
    writeFileSync(join(data, "evil.zip"), zipOf([{ name, content: Buffer.from("x") }]));
    expect(
      await value(`
        local r = assert(archive.open(volume, "evil.zip"))
        local count = 0
        for e in r:entries() do count = count + 1 end
        return { count, select(2, r:extract_all(volume)):kind(), volume:exists("evil") }`),
    ).toEqual([1, "Invalid", false]);
  });

  test("links are not extracted, in both formats", async () => {
    writeFileSync(
      join(data, "link.zip"),
      zipOf([{ name: "link", content: Buffer.from("/etc"), attributes: 0o120777 }]),
    );
    writeFileSync(
      join(data, "link.tar"),
      await tarOf([{ name: "link", type: "symlink", linkname: "/etc" }]),
    );
    expect(
      await value(`
        local kinds = {}
        for _, file in ipairs({ "link.zip", "link.tar" }) do
          local r = assert(archive.open(volume, file))
          kinds[#kinds + 1] = r:stat("link").type
          kinds[#kinds + 1] = told(select(2, r:extract_all(volume)))
        end
        return kinds`),
    ).toEqual([
      "symlink",
      "Invalid: archive: link is a symlink; only files and directories are extracted",
      "symlink",
      "Invalid: archive: link is a symlink; only files and directories are extracted",
    ]);
  });

  test("a link in the volume leads no entry out of it", async () => {
    mkdirSync(join(directory, "outside"), { recursive: true });
    symlinkSync(join(directory, "outside"), join(data, "out"));
    writeFileSync(join(data, "through.zip"), zipOf([{ name: "out/x", content: Buffer.from("x") }]));
    expect(
      await value(
        `return select(2, archive.open(volume, "through.zip"):extract_all(volume)):kind()`,
      ),
    ).toBe("Invalid");
    expect(() => readFileSync(join(directory, "outside/x"))).toThrow();
  });
});

test.each([
  [
    `archive.open("nothing of the kind")`,
    "Invalid: archive: unknown format; give format: zip, tar, tar.gz or tar.zst",
  ],
  [`archive.open("PK\\3\\4rest")`, /^Invalid: archive: corrupt: /],
  [`archive.open("x", { format = "rar" })`, /unknown format; use one of zip, tar/],
  [`archive.open("x", { max_entries = 0 })`, /a number above 0 is expected/],
  [`archive.open("x", { max_entrys = 1 })`, /max_entrys/],
  [`archive.open(volume, "none.zip")`, /^NotFound: /],
  [`archive.open(volume, "../x.zip")`, /^Invalid: path/],
  [`archive.create(volume, "x.rar")`, /^Invalid: archive: unknown format/],
  [`archive.create(fs.get("app:readonly"), "x.zip")`, /^PermissionDenied: /],
  [`archive.open(volume, "a.zip"):extract("empty", fs.get("app:readonly"))`, /^PermissionDenied: /],
  [`archive.create(volume, "x.zip"):add("../x", "")`, 'Invalid: archive: unsafe name "../x"'],
  [`archive.create(volume, "x.zip"):add("x/", "")`, /use add_dir/],
  [`archive.create(volume, "x.zip"):add("x", "", { method = "lzma" })`, /unknown method/],
  [`archive.create(volume, "x.zip"):add("x", "", { mode = 4095 })`, /a mode has at most/],
  [`archive.open(volume, "a.zip"):extract_all({})`, /give a volume/],
  [`archive.open(volume, "a.zip"):extract_all(volume, { strip = -1 })`, /strip is a whole number/],
  [`closed():read("x")`, "Invalid: archive: the archive is closed"],
  [`bad:read("a")`, /^Invalid: archive: corrupt: a has another checksum/],
])("%s is refused", async (call, message) => {
  writeFileSync(join(data, "bad.zip"), zipOf([{ name: "a", content: Buffer.from("abc"), crc: 7 }]));
  const told = await value(`
    local bad = archive.open(volume, "bad.zip")
    local function closed() local r = archive.open(volume, "a.zip"); r:close(); return r end
    return told(select(2, ${call}))`) as string;
  if (typeof message === "string") expect(told).toBe(message);
  else expect(told).toMatch(message);
});

test("what a unit has open is closed with it", async () => {
  const { open } = await run(`
    local r = archive.open(volume, "a.zip")
    local stream = r:stream("big")
    local w = archive.create(volume, "y.zip")
    local s = archive.scan(volume:open("a.zip"))`);
  expect(open).toBe(5);
});

test.each(["zip", "tar", "tar.gz", "tar.zst"])(
  "%s: no file stays open, also of an entry that is refused or only begun",
  async (format) => {
    // Random, so that its compressed form does not fit into what streams keep.
    writeFileSync(join(data, "long"), crypto.getRandomValues(new Uint8Array(65536)));
    truncateSync(join(data, "long"), 4_000_000);
    await run(`
      local w = archive.create(volume, "open.bin", { format = "${format}" })
      assert(w:add_file("a", volume, "long"))
      assert(not w:add_file("../b", volume, "long"))
      assert(not w:add_file("c/", volume, "long"))
      w:close()
      assert(not w:add_file("d", volume, "long"))
      local file = volume:open("closed.bin", "w")
      local stream = file:stream()
      local begun = archive.create(stream, { format = "${format}" })
      stream:close()
      assert(not begun:add_file("e", volume, "long"))
      assert(not archive.open(volume, "long"))
      assert(not archive.scan(volume:open("long")))`);
    await until(() => openFiles(data) + openFiles("wippy-archive-") === 0);
  },
);

test("the formats have names", async () => {
  expect(await value("return archive.formats()")).toEqual(["zip", "tar", "tar.gz", "tar.zst"]);
});
