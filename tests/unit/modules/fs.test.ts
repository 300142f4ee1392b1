import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LuaValue } from "../../../src/vm/value.ts";
import { entryOf, testServices } from "../operations/services.ts";
import { evaluate, runUnit } from "./lua-unit.ts";

const base = mkdtempSync(join(tmpdir(), "wippy-fs-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(join(base, "data"), { recursive: true, force: true });
  mkdirSync(join(base, "data/folder"), { recursive: true });
});

const entries = [entryOf("app:data", "fs.directory", { directory: "data" })];
const services = { entry: testServices(entries).entry, directory: base };
const prelude = `local v = assert(fs.get("app:data")) `;

function run(code: string, ...args: LuaValue[]) {
  return evaluate(prelude + code, { services, args });
}

/** What a call gives: its value, or `kind: message`. */
function show(call: string) {
  return run(
    `local value, err = ${call} return err and err:kind() .. ": " .. err:message() or tostring(value)`,
  );
}

function content(path: string): string {
  return readFileSync(join(base, "data", path), "utf8");
}

describe("volumes", () => {
  test("get tells what is wrong", async () => {
    expect(await show(`fs.get("app:nope")`)).toBe("NotFound: volume not found: app:nope");
  });

  test("files are written, appended and read, byte for byte", async () => {
    const code = `
      local bytes = "\\0\\xff\\r\\n" .. ("x"):rep(100000)
      assert(v:writefile("a", bytes))
      assert(v:write_file("a", "tail", "a"))
      return v:readfile("/a") == bytes .. "tail" and v:read_file("folder/../a") == v:readfile("a")`;
    expect(await run(code)).toBe(true);
  });

  test.each([
    [`v:writefile("a", "x", "wx")`, "AlreadyExists: open /a: it exists already"],
    [
      `v:writefile("a", "x", "rw")`,
      /^Invalid: fs\.writefile: argument 3: unknown mode; use w, wx or a/,
    ],
    [`v:writefile("no/b", "x")`, "NotFound: open /no/b: no such file or directory"],
    [`v:readfile("no")`, "NotFound: open /no: no such file or directory"],
    [`v:readfile("folder")`, "Invalid: open /folder: it is a directory"],
    [`v:readfile("../x")`, "Invalid: path ../x leads out of the volume"],
    [`v:exists("a")`, "true"],
    [`v:exists("no")`, "false"],
    [`v:exists("a/b")`, "false"],
    [`v:isdir("folder")`, "true"],
    [`v:isdir("a")`, "false"],
    [`v:mkdir("new")`, "true"],
    [`v:mkdir("folder")`, "AlreadyExists: mkdir /folder: it exists already"],
    [`v:mkdir("no/new")`, "Internal: mkdir /no/new: the directory above it does not exist"],
    [`v:remove("a")`, "true"],
    [`v:remove("folder")`, "true"],
    [`v:remove("no")`, "NotFound: remove /no: no such file or directory"],
    [`v:remove("/")`, "Invalid: remove /: the root of a volume stays"],
    [`v:open("no")`, "NotFound: open /no: no such file or directory"],
    [`v:open("a", "rw")`, /^Invalid: fs\.open: argument 2: unknown mode; use r, w, wx or a/],
    [`v:open("a", "wx")`, "AlreadyExists: open /a: it exists already"],
    [`v:chdir("a")`, "Invalid: chdir /a: it is not a directory"],
    [`v:stat("no")`, "NotFound: stat /no: no such file or directory"],
  ])("%s", async (call, expected) => {
    writeFileSync(join(base, "data/a"), "1234");
    const shown = await show(call);
    if (typeof expected === "string") expect(shown).toBe(expected);
    else expect(shown).toMatch(expected);
  });

  test("isdir of what is missing is false with an error", async () => {
    const code = `local is, err = v:isdir("no") return { is, err:kind() }`;
    expect(await run(code)).toEqual([false, "NotFound"]);
  });

  test("a directory that is not empty stays", async () => {
    const code = `v:writefile("folder/f", "x") local _, err = v:remove("folder") return err:kind()`;
    expect(await run(code)).toBe("Invalid");
  });

  test("stat", async () => {
    writeFileSync(join(base, "data/a"), "1234", { mode: 0o640 });
    const code = `
      local s, root = v:stat("a"), v:stat("/")
      return { s.name, s.size, s.mode, s.is_dir, s.type == fs.type.FILE, s.modified > 1.7e9, math.type(s.modified),
        root.name, root.is_dir, root.type == fs.type.DIR }`;
    expect(await run(code)).toEqual(
      ["a", 4, 0o640, false, true, true, "integer", "/", true, true],
    );
  });

  test("readdir lists names in order; failures raise when iterating", async () => {
    const code = `
      for _, name in ipairs{ "b", "c", "a" } do v:writefile(name, "x") end
      local out = {}
      for e in v:readdir("/") do out[#out + 1] = e.name .. ":" .. e.type end
      local iterator = v:readdir("no")
      local ok, err = pcall(iterator)
      out[#out + 1] = tostring(ok) .. " " .. err:kind()
      return out`;
    expect(await run(code)).toEqual(
      ["a:file", "b:file", "c:file", "folder:directory", "false NotFound"],
    );
  });

  test("each handle has its own directory", async () => {
    const code = `
      local other = fs.get("app:data")
      local before = v:pwd()
      assert(v:chdir("folder") and v:writefile("f", "in folder"))
      local out = { before, v:pwd(), other:pwd(), other:readfile("folder/f") }
      assert(v:chdir(".."))
      out[5] = v:pwd()
      return out`;
    expect(await run(code)).toEqual(["/", "/folder", "/", "in folder", "/"]);
  });
});

describe("files", () => {
  test("read, seek and the end", async () => {
    writeFileSync(join(base, "data/a"), "0123456789");
    const code = `
      local f = v:open("a")
      local out = { f:read(4), f:seek("cur", -2), f:read(3), f:seek(fs.seek.END, -1), f:read(), f:seek(), f:read(2) }
      f:seek("end", 5)
      local nothing, err = f:read()
      out[#out + 1] = err:kind() .. " " .. err:message()
      return out`;
    expect(await run(code)).toEqual(["0123", 2, "234", 9, "9", 0, "01", "NotFound EOF"]);
  });

  test.each([
    [`f:read(0)`, /^Invalid: read: the number of bytes must be above 0/],
    [`f:write("x")`, "Invalid: write /a: it was opened with mode r"],
    [`f:write("")`, "Invalid: write: empty data"],
    [
      `f:seek("middle")`,
      /^Invalid: file:seek: argument 1: unknown whence; use set, cur or end/,
    ],
    [`f:seek("set", -1)`, "Invalid: seek /a: position -1 is before the beginning"],
    [`f:scanner("pages")`, "Invalid: unknown split pages; use lines, words, bytes or runes"],
  ])("%s", async (call, expected) => {
    writeFileSync(join(base, "data/a"), "x");
    const shown = await run(`
      local f = v:open("a")
      local value, err = ${call}
      return err:kind() .. ": " .. err:message()`);
    if (typeof expected === "string") expect(shown).toBe(expected);
    else expect(shown).toMatch(expected);
  });

  test("write, append, seek and sync", async () => {
    const code = `
      local f = v:open("a", "w")
      assert(f:write("hello") and f:write(" world") and f:seek("set", 0) == 0 and f:write("J") and f:sync())
      assert(f:close() and f:close())
      local g = v:open("a", "a")
      assert(g:write("!"))
      local stat = g:stat()
      g:close()
      return { stat.size, stat.name, stat.position == nil }`;
    expect(await run(code)).toEqual([12, "a", true]);
    expect(content("a")).toBe("Jello world!");
  });

  test("a closed file is Invalid", async () => {
    const code = `
      local f = v:open("a", "w")
      f:close()
      local out = {}
      for i, name in ipairs{ "read", "seek", "stat", "sync", "scanner", "stream" } do
        local _, err = f[name](f)
        out[i] = err:kind()
      end
      return out`;
    expect(await run(code)).toEqual(Array.from({ length: 6 }, () => "Invalid"));
  });

  test("what is left open is closed with the unit", async () => {
    const code = `return { main = function() ${prelude} v:open("a", "w") v:open("b", "w") end }`;
    expect((await runUnit(code, { services })).open).toBe(2);
  });

  test("a file or stream can be the data of a new file", async () => {
    writeFileSync(join(base, "data/a"), "x".repeat(200_000));
    const code = `
      local f = v:open("a")
      f:seek("set", 1)
      assert(v:writefile("b", f))
      assert(v:writefile("c", v:open("a"):stream()))
      local _, err = v:writefile("b", v:open("a"), "wx")
      return { v:stat("b").size, v:stat("c").size, err:kind() }`;
    expect(await run(code)).toEqual([199_999, 200_000, "AlreadyExists"]);
  });
});

describe("scanners", () => {
  function scan(text: string, split?: string) {
    const code = `
      v:writefile("a", (...))
      local sc, out = v:open("a"):scanner(select(2, ...)), {}
      while sc:scan() do out[#out + 1] = sc:text() end
      out[#out + 1] = sc:text() .. "|" .. tostring(sc:err())
      return out`;
    return run(code, text, split);
  }

  test.each([
    ["one\r\ntwo\n\nlast", undefined, ["one", "two", "", "last", "|nil"]],
    ["one\n", "lines", ["one", "|nil"]],
    ["last\r", "lines", ["last", "|nil"]],
    ["", "lines", ["|nil"]],
    ["  one two\n\tthree ", "words", ["one", "two", "three", "|nil"]],
    ["ab", "bytes", ["a", "b", "|nil"]],
    ["a\u00e9\u20ac\u{1f600}", "runes", ["a", "\u00e9", "\u20ac", "\u{1f600}", "|nil"]],
  ])("%j by %s", async (text, split, expected) => {
    expect(await scan(text, split)).toEqual(expected);
  });

  test("bytes that are no text are replaced, one by one", async () => {
    const code = `
      v:writefile("a", "a\\xff\\xe2\\x82")
      local sc, out = v:open("a"):scanner("runes"), {}
      while sc:scan() do out[#out + 1] = sc:text() end
      return out`;
    expect(await run(code)).toEqual(["a", "\ufffd", "\ufffd", "\ufffd"]);
  });

  test("tokens and chunks of any length fit together", async () => {
    const lines = Array.from({ length: 40 }, (_, index) => "x".repeat((index * 7919) % 65_000));
    expect(await scan(lines.map((line) => `${line}\n`).join(""))).toEqual([...lines, "|nil"]);
  });

  test("a token longer than 64 KiB is an error, one of 64 KiB is none", async () => {
    const longest = "x".repeat(65_536);
    expect(await scan(`${longest}\r\ny`)).toEqual([longest, "y", "|nil"]);
    for (const text of [`${longest}x\ny`, "x".repeat(200_000), `${longest}x`]) {
      expect(await scan(text)).toEqual(["|token longer than 64 KiB"]);
    }
    expect(await scan(`${" ".repeat(200_000)}a`, "words")).toEqual(["a", "|nil"]);
  });

  test("a scanner of a closed file says so", async () => {
    const code = `
      v:writefile("a", "x")
      local f = v:open("a")
      local sc = f:scanner()
      f:close()
      local more, err = sc:scan()
      return { more, err:kind(), sc:err() ~= nil, (sc:scan()) }`;
    expect(await run(code)).toEqual([false, "Invalid", true, false]);
  });
});

describe("streams", () => {
  test("read, seek, stat and the end", async () => {
    writeFileSync(join(base, "data/a"), "x".repeat(100_000));
    const code = `
      local s = v:open("a"):stream()
      local out = { #s:read(), #s:read(200000), s:seek("set", 99999), s:read() }
      local data, err = s:read()
      out[5] = data == nil and err == nil
      local stat = s:stat()
      out[6] = { stat.size, stat.position, stat.readable, stat.writable, stat.seekable }
      return out`;
    expect(await run(code)).toEqual(
      [32_768, 65_536, 99_999, "x", true, [100_000, 100_000, true, false, true]],
    );
  });

  test("write, flush and close", async () => {
    const code = `
      local s = v:open("a", "w"):stream()
      local out = { (s:write("abc")), (s:flush()), (s:close()), (s:close()) }
      local count, write_err = s:write("x")
      local position, seek_err = s:seek()
      local flushed, flush_err = s:flush()
      local data, read_err = s:read()
      out[5] = { count, write_err:kind(), position, seek_err:kind(), flushed, flush_err:kind(), data == nil, read_err:kind() }
      return out`;
    expect(await run(code)).toEqual([
      3,
      true,
      true,
      true,
      [0, "Internal", -1, "Internal", false, "Internal", true, "Internal"],
    ]);
    expect(content("a")).toBe("abc");
  });

  test("what the mode of the file does not allow, and a closed file, are Internal", async () => {
    writeFileSync(join(base, "data/a"), "x");
    const code = `
      local out = {}
      local function add(value, err) out[#out + 1] = tostring(value) .. " " .. tostring(err and err:kind()) end
      local f = v:open("a")
      local s = f:stream()
      add(s:write("x"))
      add(s:seek("banana"))
      f:close()
      add(s:read())
      add(s:write("x"))
      add(s:seek())
      add(s:stat())
      add(s:flush())
      add(s:close())
      add(v:open("b", "w"):stream():read())
      local sc = v:open("b", "w"):stream():scanner()
      add(sc:scan(), nil)
      out[#out + 1] = sc:err()
      return out`;
    expect(await run(code)).toEqual([
      "0 Internal",
      "-1 Invalid",
      "nil Internal",
      "0 Internal",
      "-1 Internal",
      "nil Internal",
      "false Internal",
      "true nil",
      "nil Internal",
      "false nil",
      "read /b: it was opened with mode w",
    ]);
  });

  test("scanner", async () => {
    writeFileSync(join(base, "data/a"), "one\ntwo");
    const code = `
      local sc, out = v:open("a"):stream():scanner("lines"), {}
      while sc:scan() do out[#out + 1] = sc:text() end
      return out`;
    expect(await run(code)).toEqual(["one", "two"]);
  });
});

describe("a call that fails gives an Error after", () => {
  const fails: Record<string, string> = {
    "v:writefile('nowhere/a', 'x')": "false",
    "v:writefile('b', 'x', 'wx')": "false",
    "v:writefile('b', 'x', 'q')": "false",
    "v:writefile('nowhere/a', assert(v:open('b')))": "false",
    "v:mkdir('b')": "false",
    "v:remove('nowhere')": "false",
    "v:chdir('nowhere')": "false",
    "v:exists('../../x')": "false",
    "v:isdir('nowhere')": "false",
    "closed:write('x')": "false",
    "written:write('')": "false",
    "closed:sync()": "false",
    "v:readfile('nowhere')": "nil",
    "v:stat('nowhere')": "nil",
    "v:open('nowhere')": "nil",
    "closed:read()": "nil",
    "closed:seek('set', 0)": "nil",
    "closed:stat()": "nil",
    "closed:scanner()": "nil",
  };
  test.each(Object.entries(fails))("%s", async (call, value) => {
    writeFileSync(join(base, "data/b"), "x");
    const shown = await run(`local closed, written = assert(v:open("b")), assert(v:open("c", "w"))
      closed:close()
      local value, err = ${call}
      return tostring(value) .. " " .. type(err)`);
    expect(shown).toBe(`${value} userdata`);
  });

  test("closing twice is no failure", async () => {
    writeFileSync(join(base, "data/b"), "x");
    expect(await run(`local f = assert(v:open("b")) return { f:close(), f:close() }`)).toEqual([
      true,
      true,
    ]);
  });
});
