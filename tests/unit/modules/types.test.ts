/**
 * The types that the pages of the modules declare, against the modules and the objects of the kernel itself: a function
 * without a type, a type without a function, and another number of parameters are each told.
 */
import { describe, expect, test } from "bun:test";
import { moduleTypes } from "../../../build/module-types.js";
import { moduleLibrary } from "../../../src/app/module-types.ts";
import { expand, type Type } from "../../../src/language/check/types.ts";
import { parse } from "../../../src/language/language.ts";
import { builtinModules } from "../../../src/registry/modules.ts";
import { inKernel } from "../kernel/in-kernel.ts";

/** Of a function the number of its parameters, -1 for one that takes any number; of a table its fields. */
type Found = number | string | { [name: string]: Found };

const [found] = await inKernel(`
  local sandbox, object = use("kernel/core/sandbox"), use("kernel/core/object")
  local kinds = object.methods()
  local function guarded(fn)
    for i = 1, 10 do
      local name, value = debug.getupvalue(fn, i)
      -- Another name of a method is guarded twice.
      if name == "method" and type(value) == "function" then return guarded(value) end
    end
    return fn
  end
  local function parameters(fn)
    local info = debug.getinfo(guarded(fn), "u")
    return info.isvararg and -1 or info.nparams
  end
  local function shape(value, depth)
    if type(value) == "function" then return parameters(value) end
    if host.type(value) ~= "table" or depth > 4 then return host.type(value) end
    local fields, meta = {}, debug.getmetatable(value)
    local content = next(value) == nil and meta and type(meta.__index) == "table" and meta.__index or value
    for name, field in pairs(content) do fields[name] = shape(field, depth + 1) end
    return fields
  end
  local modules, objects = {}, {}
  for _, name in ipairs(sandbox.module_names()) do modules[name] = shape(sandbox.module_of(name), 0) end
  local globals
  for i = 1, 10 do
    local name, value = debug.getupvalue(sandbox.always, i)
    if name == "base" then globals = value end
  end
  for _, name in ipairs({ "channel", "coroutine", "errors", "os", "payload", "process" }) do
    modules[name] = shape(globals[name], 0)
  end
  for kind, methods in pairs(kinds) do
    if type(methods) == "table" then
      objects[kind] = {}
      for name, method in pairs(methods) do objects[kind][name] = parameters(method) end
    end
  end
  return { modules = modules, objects = objects }
`);
const { modules, objects } = found as {
  modules: Record<string, Found>;
  objects: Record<string, Record<string, number>>;
};

/** What a type says of a value, as it is found in the kernel. */
function declared(type: Type, actual: Found | undefined): Found {
  const shown = expand(type);
  switch (shown.kind) {
    case "function":
      // How many parameters a function has that takes any number is its own matter.
      return actual === -1 ? -1 : shown.vararg ? -1 : shown.params.length;
    case "record": {
      const fields = typeof actual === "object" ? actual : {};
      return Object.fromEntries(
        [...shown.fields].map(([name, field]) => [name, declared(field.type, fields[name])]),
      );
    }
    case "interface":
      return typeof actual === "object" ? methodsOf(shown, actual) : "userdata";
    case "integer":
    case "number":
      return "number";
    default:
      return shown.kind;
  }
}

function methodsOf(
  { fields }: Extract<Type, { kind: "interface" }>,
  actual: { [name: string]: Found },
): Found {
  return Object.fromEntries(
    [...fields].map(([name, { type }]) => [name, declared(type, actual[name])]),
  );
}

describe("each module is declared as it is", () => {
  test.each([...builtinModules.keys(), "coroutine"])("%s", (name) => {
    const library = moduleLibrary(name);
    expect(library).toBeDefined();
    const actual = modules[name] === "userdata" ? objects["Logger"] : modules[name];
    expect(declared(library!.value, actual)).toEqual(actual!);
  });
});

/** Objects that no module's function returns under a name of its own. */
const without: ReadonlySet<string> = new Set(["FILE*", "error"]);

describe("each object is declared as it is", () => {
  const types = new Map<string, Type[]>();
  for (const [module, text] of Object.entries(moduleTypes)) {
    for (const { name } of parse(text).types) {
      const type = moduleLibrary(module)!.type(name);
      if (!type || expand(type).kind !== "interface") continue;
      const key = name.toLowerCase();
      types.set(key, [...types.get(key) ?? [], type]);
      types.set(`${module}.${key}`, [type]);
    }
  }
  const kinds = Object.keys(objects).filter((kind) =>
    !without.has(kind) && Object.keys(objects[kind]!).length > 0
  );

  test("there are some", () => expect(kinds.length).toBeGreaterThan(30));
  test.each(kinds)("%s", (kind) => {
    // Objects of two modules may have one name.
    const known = (types.get(kind.toLowerCase()) ?? []).map((type) =>
      declared(type, objects[kind])
    );
    expect(known).toContainEqual(objects[kind]!);
  });
});

test.each(Object.entries(moduleTypes))("the types of %s name only what there is", (name, text) => {
  const tree = parse(Buffer.from(text).toString("latin1"));
  expect(tree.faults).toEqual([]);
  expect(tree.body.every(({ kind }) => /Declaration$/.test(kind))).toBe(true);
  const own = new Set(tree.types.map((type) => type.name));
  const mentions = [...text.matchAll(/(?<![.\w])(?:(\w+)\.)?([A-Z][a-z]\w*)\b(?!\??:)/g)];
  for (const [written, module, type] of mentions) {
    const there = module === undefined ? own.has(type!) : moduleLibrary(module)?.type(type!);
    expect(there ? "" : `${name}: ${written}`).toBe("");
  }
});
