import { expect, test } from "bun:test";
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
