/**
 * The Lua side of a test: the library that test files use, and the units that run them.
 * @module
 */
import type { Entry } from "../../registry/entry.ts";
import expect from "./expect.lua" with { type: "text" };
import mocks from "./mocks.lua" with { type: "text" };
import requests from "./requests.lua" with { type: "text" };
import library from "./test.lua" with { type: "text" };
import values from "./values.lua" with { type: "text" };

/** Namespace of all that is added to the application. */
export const namespace = "wippy.test";
/** The process that runs a test, and its host. Its argument is that of `test.main` of the library. */
export const testUnit = `${namespace}:unit`;
export const testHost = `${namespace}:processes`;
/** The library that a file of tests is. */
export const fileUnit = `${namespace}:file`;
/** Logger for the calls of mocks. */
export const callLogger = "wippy.test.calls";
/** Topic that notifies a test after a crash that all runs have ended, and the name that the test registers. */
export const doneTopic = "wippy.test.done";
export const testName = "wippy.test";

/** Function that responds to HTTP requests for the test. */
export const httpFake = `${namespace}:http`;

/** Where requests to the application's own servers seem to go. */
export const requestAddress = "http://wippy.test/request";

/** Globals of a test file. */
export const testGlobals = [
  "after",
  "before",
  "clock",
  "crash",
  "describe",
  "expect",
  "fake",
  "it",
  "mock",
  "request",
];

/** A file of tests. */
export interface TestFile {
  /** Relative to the application's directory, with `/`. */
  path: string;
  /** Code that the VM compiles, whose lines are those of the file. */
  code: string;
  /** Libraries of the application by the names that `require` finds them under. */
  imports: Record<string, string>;
}

function libraryEntry(name: string, source: string, more: Record<string, unknown> = {}): Entry {
  return { id: `${namespace}:${name}`, kind: "library.lua", meta: {}, data: { source, ...more } };
}

/**
 * Code of an entry that passes its calls to the test, a format of Lua with the entry's id and its method. After a crash
 * it may run before the test does, and waits for it.
 */
const stub = `local process, time = require("process"), require("time")
local function main(...)
  local answers = process.listen("wippy.test.answer")
  while not process.registry.lookup("wippy.test") do time.sleep("1ms") end
  local call = { id = %q, from = process.pid(), count = select("#", ...), args = { ... } }
  local sent, err = process.send("wippy.test", "wippy.test.call", call)
  if not sent then return nil, err end
  local answer = answers:receive()
  if answer.raised ~= nil then error(answer.raised) end
  return answer.value, answer.err
end
return { %s = main }
`;

/** Imports of libraries of this namespace. */
function own(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `${namespace}:${name}`]));
}

/** The entry that is a file of tests. @param modules those that the file may use */
export function fileEntry(file: TestFile, modules: readonly string[]): Entry {
  const first = `local test = require("test") local ${testGlobals.join(", ")} = ${
    testGlobals.map((name) => `test.${name}`).join(", ")
  } `;
  return {
    ...libraryEntry("file", first + file.code, {
      modules,
      imports: { ...file.imports, ...own("test") },
    }),
    origin: {
      file: file.path,
      line: 1,
      column: 1,
      chunk: file.path,
      source: { file: file.path, line: 1 },
    },
  };
}

/** The entries that run the tests of whatever file there is. */
export function runningEntries(): Entry[] {
  const lifecycle = { auto_start: true, stop_timeout: "100ms" };
  const unit = `local test = require("test")
return { main = function(given) return test.main(function() return require("file") end, given) end }`;
  return [
    { id: testHost, kind: "process.host", meta: {}, data: { lifecycle } },
    libraryEntry("values", values),
    libraryEntry("expect", expect, { imports: own("values") }),
    libraryEntry("requests", requests, { modules: ["base64", "http_client", "json", "registry"] }),
    libraryEntry("stub", `return [==[${stub}]==]`),
    libraryEntry("mocks", mocks, {
      modules: ["process", "registry", "logger"],
      imports: own("stub"),
    }),
    {
      id: httpFake,
      kind: "function.lua",
      meta: {},
      data: {
        source: stub.replace("%q", `"${httpFake}"`).replace("%s", "main"),
        method: "main",
        modules: ["process", "time"],
      },
    },
    libraryEntry("test", library, {
      modules: ["process", "time"],
      imports: own("expect", "mocks", "requests", "values"),
    }),
    {
      id: testUnit,
      kind: "process.lua",
      meta: {},
      data: {
        source: unit,
        method: "main",
        imports: { ...own("test"), file: fileUnit },
      },
    },
  ];
}
