import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import luaparse from "luaparse";
import { stubs } from "../../../src/cli/types/types.ts";
import { parse } from "../../../src/language/language.ts";
import { builtinModules } from "../../../src/registry/modules.ts";
import { writeFiles } from "../app/temporary-application.ts";
import { runCommand } from "./run/run-command.ts";

const made = stubs();

test("there is a stub of every module", () => {
  const names = [...made.keys()].map((name) => name.slice(0, -".lua".length));
  expect(names).toEqual(expect.arrayContaining([...builtinModules.keys()]));
});

test.each([...made])("%s is Lua, and names only types that some stub declares", (_, text) => {
  expect(parse(text).faults).toEqual([]);
  expect(parse(text).typed).toBe(false);
  luaparse.parse(text, { luaVersion: "5.3", locations: true, ranges: true });
  const all = [...made.values()].join("\n");
  const declared = new Set(
    [...all.matchAll(/^---@(?:class|alias) ([\w.]+)/gm)].map(([, name]) => name),
  );
  const annotations = [...text.matchAll(/^---@(?:field|param|return|alias|class) (.*)$/gm)];
  expect(annotations.length).toBeGreaterThan(0);
  for (const [, annotation] of annotations) {
    for (const [name] of annotation!.matchAll(/\b[a-z_]+\.[A-Z]\w*/g)) {
      expect(declared.has(name) ? "" : `${name} in ${annotation}`).toBe("");
    }
  }
});

test("a function has its parameters and results", () => {
  expect(made.get("store.lua")).toContain(
    "---@param key string\n---@param value any\n---@param ttl? number\n---@return boolean\n" +
      "---@return wippy.Error?\nfunction Store_:set(key, value, ttl) end\n",
  );
  expect(made.get("process.lua")).toContain("\nprocess = {}\n");
  expect(made.get("json.lua")).toContain("---@meta json\n");
});

test("the files are written, and other settings of .luarc.json stay", async () => {
  const directory = writeFiles({
    ".luarc.json": '{ "diagnostics.globals": ["x"], "workspace.library": ["lib"] }',
  });
  const { status } = await runCommand(directory, "types");
  expect(status).toBe(0);
  expect(readdirSync(join(directory, ".wippy-types")).sort()).toEqual([...made.keys()].sort());
  const settings = () => JSON.parse(readFileSync(join(directory, ".luarc.json"), "utf8"));
  const wanted = {
    "diagnostics.globals": ["x"],
    "workspace.library": ["lib", ".wippy-types"],
  };
  expect(settings()).toEqual(wanted);
  expect((await runCommand(directory, "types")).status).toBe(0);
  expect(settings()).toEqual(wanted);
});

test.each([
  ["a file of somebody else", { ".wippy-types/json.lua": "return 1\n" }, "was not written by"],
  ["settings with comments", { ".luarc.json": "{ // mine\n}" }, "is no JSON object"],
])("%s is not replaced without --force", async (_, files, message) => {
  const directory = writeFiles(files);
  const [name, text] = Object.entries(files)[0]!;
  const refused = await runCommand(directory, "types");
  expect(refused.status).not.toBe(0);
  expect(refused.err).toContain(message);
  expect(readFileSync(join(directory, name), "utf8")).toBe(text);
  expect(existsSync(join(directory, ".wippy-types/http.lua"))).toBe(false);
  expect((await runCommand(directory, "types", "--force")).status).toBe(0);
  expect(readFileSync(join(directory, name), "utf8")).not.toBe(text);
});
