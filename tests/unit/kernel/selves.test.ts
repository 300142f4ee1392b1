/**
 * Objects that programs hold: no method runs with a self that is not one, and no field that a program can name decides
 * anything. The kinds, their methods and their fields are found in the kernel, so that a new one is covered by itself.
 */
import { describe, expect, test } from "bun:test";
import { sources } from "../../../src/worker/sources.ts";
import { entryOf, testServices } from "../operations/services.ts";
import { evaluate } from "../modules/lua-unit.ts";
import { inKernel } from "./in-kernel.ts";

const selves = `
  local object = use("kernel/core/object")
  local kinds = object.methods()
  local results = {}
  local other = object.define("test.Other", {})({ _id = "x", _state = {}, _kind = "Internal", [1] = "x" })
  local looks_alike = setmetatable({}, { __index = function() return {} end, __name = "FS" })
  local wrong = {
    ["nil"] = nil, number = 1, text = "x", ["function"] = print, table = {}, ["another object"] = other,
    ["one that looks alike"] = looks_alike, ["a table with all fields"] = { _id = "x", _state = { handle = 1 }, {} },
  }
  local names = { "nil" }
  for name in pairs(wrong) do names[#names + 1] = name end
  for kind, methods in pairs(kinds) do
    for method, fn in pairs(type(methods) == "table" and methods or {}) do
      for _, name in ipairs(names) do
        -- The module logger is called like a Logger.
        local table_like = name == "table" or name:find("table") or name == "one that looks alike"
        if not (kind == "Logger" and table_like) then
          local ok, message = pcall(fn, wrong[name], "x", {})
          results[#results + 1] = { kind = kind, method = method, self = name, ok = ok, message = tostring(message) }
        end
      end
    end
  end
  return results
`;

describe("methods", async () => {
  const [found] = await inKernel(selves);
  const calls = found as {
    kind: string;
    method: string;
    self: string;
    ok: boolean;
    message: string;
  }[];
  const kinds = [...new Set(calls.map(({ kind }) => kind))].sort();

  test("of every kind of object are called", () => {
    expect(kinds.length).toBeGreaterThan(20);
    expect(kinds).toContain("FS");
    expect(kinds).toContain("process.Builder");
    expect(calls.length).toBeGreaterThan(1000);
  });

  test.each(kinds)("of a %s refuse every other self with words", (kind) => {
    const accepted = calls.filter((call) => call.kind === kind)
      .filter(({ ok, message }) => ok || !/expected|call it with a colon/.test(message));
    expect(accepted).toEqual([]);
  });
});

const entries = [entryOf("test:data", "fs.directory", { directory: "." })];

/** An object of each kind that modules make, by a program; and what it shows of itself. */
const objects: Record<string, { make: string; shows: string }> = {
  FS: { make: 'fs.get("test:data")', shows: "o:pwd()" },
  Time: { make: 'time.parse("2006-01-02", "2026-11-28")', shows: "o:format(time.RFC3339)" },
  Duration: { make: 'time.parse_duration("5s")', shows: "o:seconds()" },
  Location: { make: "time.utc", shows: "o:string()" },
  Timer: { make: 'time.timer("1h")', shows: "tostring(o:channel() == o:channel())" },
  Ticker: { make: 'time.ticker("1h")', shows: "tostring(o:channel() == o:channel())" },
  Logger: { make: 'logger:named("a")', shows: "tostring(o:named('b') ~= nil)" },
  "security.Actor": { make: 'security.new_actor("me", { a = 1 })', shows: "o:id()" },
  "security.Scope": { make: "security.new_scope({})", shows: "#o:policies()" },
  "funcs.Executor": { make: "funcs.new()", shows: "tostring(o:with_options({}) ~= nil)" },
  "process.Builder": {
    make: "process.with_options({})",
    shows: "tostring(o:with_options({}) ~= nil)",
  },
  channel: { make: "channel.new(1)", shows: "tostring(o:case_receive() ~= nil)" },
};

test.each(Object.entries(objects))(
  "what a program assigns to a %s changes nothing",
  async (_, { make, shows }) => {
    const value = await evaluate(
      `
      local o = assert(${make})
      local function shown() local ok, value = pcall(function() return ${shows} end) return ok, tostring(value) end
      local ok, before = shown()
      assert(ok, before)
      local names = { "x", "id", "frame", "actor", "scope", "handle", "channel", 1, 2, 3 }
      for _, name in ipairs({ "id", "state", "fields", "name", "sec", "nsec", "loc", "ns", "frame", "held", "source" }) do
        names[#names + 1] = "_" .. name
      end
      local seen = {}
      for _, name in ipairs(names) do
        local assigned, why = pcall(function() o[name] = "forged" end)
        if assigned then seen[#seen + 1] = tostring(name) end
        local _, after = shown()
        if after ~= before then error(tostring(name) .. " changed it to " .. after) end
      end
      return table.concat(seen, ",")
    `,
      { services: { entry: testServices(entries).entry, directory: import.meta.dir } },
    );
    expect(value).toBe("");
  },
);

test("no kind but those whose content no right depends on has fields that a program can name", async () => {
  // The text of an error, a message and a payload is its holder's own copy.
  const [found] = await inKernel(`
    local named = {}
    for name in pairs(use("kernel/core/object").methods()) do named[#named + 1] = name end
    table.sort(named)
    return named
  `);
  const sourcesWithFields = Object.entries(sources).filter(([, text]) =>
    /\b(?:self|volume|file|logger|instance)\._\w+/.test(text)
  ).map(([name]) => name);
  expect(found).toBeArray();
  expect(sourcesWithFields.sort()).toEqual(["kernel/core/errors", "kernel/messaging/payload"]);
});
