import { expect, spyOn, test } from "bun:test";
import * as typed from "../../../src/worker/typed-lua.ts";
import { startApplication } from "../application.ts";

const runner = {
  modules: ["eval_runner"],
  source: `
local eval_runner = require("eval_runner")
return { main = function(config)
  local value, err
  if config.compile then
    value, err = eval_runner.compile(config.source, nil, config)
    value = value and value:modules()
  else
    value, err = eval_runner.run(config)
  end
  if err then return err:kind() .. ": " .. err:message() end
  return value
end }`,
};

test("a program imports libraries, calls functions and has the identity and the values of its caller", async () => {
  const application = await startApplication({
    functions: {
      run: runner,
      who: {
        modules: ["security", "ctx"],
        source: `
return { main = function() return require("security").actor():id() .. " " .. require("ctx").get("k") end }`,
      },
      as: {
        modules: ["security", "funcs"],
        source: `
local security, funcs = require("security"), require("funcs")
return { main = function(config)
  return funcs.new():with_actor(security.new_actor("ann")):with_context({ k = "outer" }):call("app:run", config)
end }`,
      },
    },
    libraries: { lib: "local n = 0 return { next = function() n = n + 1 return n end }" },
  });
  const run = (config: Record<string, unknown>) => application.call("as", config as never);
  const imports = { lib: "app:lib" };
  expect(await run({ source: "lib.next() return require('lib').next()", imports })).toBe(2);
  expect(await run({ source: "return lib.next()", imports: { lib: { id: "app:lib" } } })).toBe(1);
  const call = "local v, err = funcs.call('app:who') return v or err:message()";
  expect(await run({ source: call })).toBe("ann outer");
  expect(await run({ source: call, context: { k: "inner" } })).toBe("ann inner");
  expect(await run({ source: "return 1 +" })).toMatch(/^Internal: failed to compile: eval:1:/);
});

test("everything that a program asks for needs a permission", async () => {
  const rule = (actions: string[], resources: string[]) => ({
    kind: "security.policy",
    policy: { actions, resources, effect: "allow" },
  });
  const application = await startApplication({
    entries: {
      base: rule(["funcs.call", "eval.module", "eval.import", "eval.class"], [
        "app:run",
        "json",
        "app:lib",
        "storage",
      ]),
      running: rule(["eval.run", "eval.compile"], ["*"]),
    },
    functions: {
      run: runner,
      as: {
        modules: ["security", "funcs"],
        source: `
local security, funcs = require("security"), require("funcs")
return { main = function(policies, config)
  local scope = {}
  for i, id in ipairs(policies) do scope[i] = assert(security.policy(id)) end
  return funcs.new():with_actor(security.new_actor("u")):with_scope(security.new_scope(scope)):call("app:run", config)
end }`,
      },
    },
    libraries: { lib: "return { x = 1 }", other: "return {}" },
  });
  const run = (policies: string[], config: Record<string, unknown>) =>
    application.call("as", policies as never, { source: "return 1", ...config } as never);
  const all = ["app:base", "app:running"];
  expect(await run(["app:base"], {})).toBe("PermissionDenied: not allowed to run code");
  expect(await run(["app:base"], { compile: true })).toBe(
    "PermissionDenied: not allowed to compile code",
  );
  expect(await run(all, {})).toBe(1);
  expect(
    await run(all, { modules: ["json"], imports: { lib: "app:lib" }, allow_classes: ["storage"] }),
  )
    .toBe(1);
  expect(await run(all, { modules: ["yaml"] })).toBe(
    "PermissionDenied: not allowed to use module: yaml",
  );
  expect(await run(all, { imports: { x: "app:other" } })).toContain("PermissionDenied");
  expect(await run(all, { allow_classes: ["network"] })).toContain("PermissionDenied");
  expect(await run(all, { compile: true, modules: ["json"] })).toEqual(["json"]);
  expect(await run(all, { source: "return +", modules: ["yaml"] })).toContain("PermissionDenied");
});

test("a program ends with its caller", async () => {
  const application = await startApplication({
    functions: {
      beat: {
        modules: ["store"],
        source: `
return { main = function()
  local s = assert(require("store").get("app:beats"))
  local n = s:get("n") or 0
  return assert(s:set("n", n + 1))
end }`,
      },
      count: {
        modules: ["store"],
        source:
          `return { main = function() return (assert(require("store").get("app:beats")):get("n")) or 0 end }`,
      },
      endless: {
        modules: ["eval_runner"],
        source: `
return { main = function()
  return require("eval_runner").run({ source = "while true do funcs.call('app:beat') time.sleep('1ms') end" })
end }`,
      },
      stop: {
        modules: ["funcs", "time"],
        source: `
local funcs, time = require("funcs"), require("time")
return { main = function()
  local future = funcs.async("app:endless")
  while funcs.call("app:count") < 3 do time.sleep("1ms") end
  future:cancel()
  time.sleep("20ms")
  local first = funcs.call("app:count")
  time.sleep("100ms")
  return { first, funcs.call("app:count") }
end }`,
      },
    },
    entries: { beats: { kind: "store.memory", lifecycle: { auto_start: true } } },
  });
  const [first, later] = await application.call("stop") as number[];
  expect(first).toBeGreaterThanOrEqual(3);
  expect(later).toBe(first!);
});

test("a library gets modules for one program, which does not see them itself", async () => {
  const application = await startApplication({
    functions: { run: runner },
    libraries: {
      lib: {
        source: `local n = 0
return {
  encode = function(v) n = n + 1 return json.encode({ v, n }) end,
  kinds = function() return type(json) .. type(yaml) .. type(time) .. type(fs) end,
}`,
        modules: ["time"],
      },
      other: { source: "return { has = function() return type(json) end }", modules: [] },
      bad: { source: "return nothing.at_all", modules: [] },
    },
  });
  const run = (config: Record<string, unknown>) => application.call("run", config as never);
  const imports = (modules: unknown, id = "app:lib") => ({ lib: { id, modules }, o: "app:other" });
  const seen = "return lib.kinds() .. ' ' .. o.has() .. ' ' .. type(json) .. type(require)";
  const modules = ["text"];
  expect(await run({ source: seen, modules, imports: imports(["json", "yaml"]) }))
    .toBe("tabletabletablenil nil nilfunction");
  expect(await run({ source: seen, modules, imports: imports(undefined) }))
    .toBe("nilniltablenil nil nilfunction");
  // Each program has a library of its own.
  const source = "return lib.encode('x')";
  expect(await run({ source, modules, imports: imports(["json"]) })).toBe('["x",1]');
  expect(await run({ source, modules, imports: imports(["json"]) })).toBe('["x",1]');
  expect(await run({ source, modules, imports: imports(["fs"]) }))
    .toBe("Internal: module 'fs' is of the class storage, which is not allowed");
  expect(await run({ source: seen, modules, imports: imports(["fs"]), allow_classes: ["storage"] }))
    .toBe("nilniltabletable nil nilfunction");
  expect(await run({ source, modules, imports: imports(["none"]) }))
    .toBe("Internal: import 'lib': module 'none' not found");
  expect(await run({ source, modules, imports: imports(["json"], "app:none") }))
    .toBe("Internal: import 'lib': entry not found: app:none");
  expect(await run({ source, modules, imports: imports(["json"], "app:bad") }))
    .toMatch(/^Internal: failed to run: failed to execute script: app:bad:1: /);
  expect(await run({ source, imports: imports("json") }))
    .toBe("Invalid: the modules of import 'lib' must be a list of strings");
  expect(await run({ source, imports: { lib: { modules: ["json"] } } }))
    .toBe("Invalid: imports must be a table of identifiers by alias");
  expect(await run({ compile: true, source, modules, imports: imports(["sql"]) }))
    .toBe("Internal: module 'sql' is of the class storage, which is not allowed");
});

test("the modules of a library need a permission like those of the program", async () => {
  const application = await startApplication({
    entries: {
      most: {
        kind: "security.policy",
        policy: {
          actions: ["funcs.call", "eval.run", "eval.import"],
          resources: "*",
          effect: "allow",
        },
      },
    },
    functions: {
      run: runner,
      as: {
        modules: ["security", "funcs"],
        source: `
local security, funcs = require("security"), require("funcs")
return { main = function(config)
  local scope = security.new_scope({ security.policy("app:most") })
  return funcs.new():with_actor(security.new_actor("ann")):with_scope(scope):call("app:run", config)
end }`,
      },
    },
    libraries: { lib: "return {}" },
  });
  const run = (lib: unknown) =>
    application.call("as", { source: "return type(lib)", imports: { lib } } as never);
  expect(await run("app:lib")).toBe("table");
  expect(await run({ id: "app:lib", modules: ["json"] }))
    .toBe("PermissionDenied: not allowed to use module: json");
});

test.each([
  ["by default", {}, 1],
  ["but none with cache_size 0", { cache_size: 0 }, 3],
  ["as many as cache_size says", { cache_size: 1 }, 3],
  ["for cache_ttl", { cache_ttl: "1us" }, 3],
  ["for a long cache_ttl", { cache_ttl: "1h" }, 1],
])("programs are kept compiled: %s", async (_, settings, compiled) => {
  const application = await startApplication({
    config: { lua: { eval: settings } },
    functions: { run: runner },
  });
  const run = (source: string) => application.call("run", { source } as never);
  // The host lowers typed code each time that it is compiled.
  const compile = spyOn(typed, "askLanguage");
  const typedSource = "local n: integer = 1 return n";
  for (let turn = 0; turn < 3; turn++) {
    expect(await run(typedSource)).toBe(1);
    expect(await run(`return ${turn}`)).toBe(turn);
  }
  const times = compile.mock.calls.filter(([, text]) => String(text) === typedSource).length;
  compile.mockRestore();
  expect(times).toBe(compiled);
});

test("a program ends well while somebody looks at the functions, and is none of them", async () => {
  const application = await startApplication({ functions: { run: runner } });
  const { control } = application.node;
  const run = () => application.call("run", { source: "return 5" });
  expect(await run()).toBe(5);
  await control.functions();
  expect(await run()).toBe(5);
  expect((await control.functions()).map(({ id }) => id)).toEqual(["app:run"]);
});

test("a program that computes for long does not wait for something that never comes", async () => {
  const application = await startApplication({ functions: { run: runner } });
  const source = `
    local began, count = time.now(), 0
    while time.now():sub(began):milliseconds() < 400 do count = count + 1 end
    return count > 0`;
  expect(await application.call("run", { source, modules: ["time"] })).toBe(true);
  const never = "local ch = channel.new(0) return ch:receive()";
  expect(await application.call("run", { source: never }))
    .toContain("the program waits for something that never comes");
});
