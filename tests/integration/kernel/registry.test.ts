import { describe, expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";
import { until } from "../../until.ts";

const entry = (id: string, source: string, more = "") =>
  `{ id = "app:${id}", kind = "function.lua", data = { source = [==[${source}]==], method = "main"${more} } }`;

const bodies = {
  read: `local e = registry.get("app:setting")
    local _, missing = registry.get("app:nothing")
    local found = registry.find({ ["meta.type"] = "x" })
    local hosts = registry.find({ [".kind"] = "process.*" })
    return { e.kind, e.data.value, e.meta.tags, missing:kind(), missing:message(), #found, #hosts, registry.parse_id("a:b:c").name }`,
  code: `local before = funcs.call("app:answer")
    local v = assert(apply(${entry("answer", "return { main = function() return 2 end }")}))
    local c = registry.snapshot():changes()
    c:create(${entry("fresh", "return { main = function() return 3 end }")})
    local w = assert(c:apply())
    local after, fresh = funcs.call("app:answer"), funcs.call("app:fresh")
    local d = registry.snapshot():changes():delete("app:fresh")
    assert(d:apply())
    local _, gone = funcs.call("app:fresh")
    return { before, after, fresh, gone:kind(), v:string(), w:previous():id(), tostring(w), tostring(d), registry.current_version():id() }`,
  library: `local before = funcs.call("app:greet")
    local flying = funcs.async("app:slow")
    assert(apply({ id = "app:words", kind = "library.lua", data = { source = 'return { hello = function() return "new" end }' } },
      ${entry("slow", 'return { main = function() return "new" end }')}))
    flying:channel():receive()
    return { before, funcs.call("app:greet"), flying:result():data(), funcs.call("app:slow") }`,
  mistakes: `local list = {}
    local function try(what, e) local v, err = e list[#list + 1] = what .. ": " .. (v and "applied" or "") end
    local function note(v, err) list[#list + 1] = v and "applied" or err:kind() .. ": " .. err:message() end
    note(apply(${entry("answer", "return { main = function( end }")}))
    note(apply(${entry("answer", "error('at load')", ', pool = { type = "inline" }')}))
    note(apply(${entry("answer", "return {}", ", pool = { workers = 1 }")}))
    note(apply(${entry("answer", "return 1", ', modules = { "nothing" }')}))
    note(apply({ id = "app:answer", kind = "process.lua", data = {} }))
    note(apply({ id = "app:missing", kind = "registry.entry" }))
    note(registry.snapshot():changes():create({ id = "app:setting", kind = "registry.entry" }):apply())
    note(registry.snapshot():changes():delete("app:words"):apply())
    note(registry.snapshot():changes():apply())
    note(registry.snapshot():changes():create({ id = "x" }))
    note(registry.snapshot():changes():delete(5))
    note(registry.snapshot_at(0)) note(registry.snapshot_at(9))
    note(registry.apply_version(1))
    list[#list + 1] = funcs.call("app:answer") .. " v" .. registry.current_version():id()
    return list`,
  bodies: `local list = {}
    local function note(v, err) list[#list + 1] = err and err:kind() .. ": " .. err:message() or v and "done" end
    local function create(e) return registry.snapshot():changes():create(e):apply() end
    note(create(${entry("lazy", "error('at load')")}))
    note(create(${entry("empty", "return {}")}))
    note(create(${entry("adaptive", "error('at load')", ', pool = { type = "adaptive" }')}))
    for _, kind in ipairs({ "process.lua", "workflow.lua", "library.lua" }) do
      note(create({ id = "app:" .. kind, kind = kind, data = { source = "error('at load')" } }))
    end
    note(create(${entry("user", "return function() end", ', imports = { l = "app:library.lua" }')}))
    note(create(${
    entry(
      "eager",
      "return function() end",
      ', imports = { l = "app:library.lua" }, pool = { size = 1 }',
    )
  }))
    note(create(${entry("unreadable", "return (")}))
    note(funcs.call("app:lazy")) note(funcs.call("app:empty")) note(funcs.call("app:user"))
    note(process.spawn("app:process.lua", "app:processes"))
    return list`,
  versions: `assert(apply({ id = "app:setting", kind = "registry.entry", data = { value = 6 } }))
    assert(apply({ id = "app:setting", kind = "registry.entry", data = { value = 7 } }))
    local old = registry.snapshot_at(1)
    local all = registry.versions()
    local back = registry.apply_version(all[2])
    local value = registry.get("app:setting").data.value
    local branch = apply({ id = "app:setting", kind = "registry.entry", data = { value = 8 } })
    return { #all, old:get("app:setting").data.value, #old:entries() > 5, back, value, branch:id(), branch:previous():id(),
      registry.history():get_version(1):next():id(), tostring(old), registry.apply_version(registry.history():get_version(0)),
      registry.get("app:setting").data.value }`,
  empty: `local setting, words = registry.get("app:setting"), registry.get("app:words")
    words.data.source = words.data.source .. " "
    setting.meta.tags = {}
    assert(apply(words, setting))
    assert(registry.snapshot():changes():create({ id = "app:none", kind = "function.lua",
      data = { source = "return { main = function() end }", method = "main", modules = {}, imports = {} } }):apply())
    return #registry.find({ ["*meta.tags"] = "a" })`,
  dependency: `local c = registry.snapshot():changes()
    c:create({ id = "app:other.setting", kind = "registry.entry", data = {} })
    c:create({ id = "app:dep", kind = "ns.dependency", data = { component = "acme/none", version = ">=9.0.0" } })
    local version, err = c:apply()
    local first = err:details().errors[1]
    return { version == nil, err:kind(), err:message(), err:details().count, first.module, first.constraint,
      registry.get("app:dep") == nil, registry.get("app:other.setting") == nil,
      registry.current_version():id() }`,
  plain: `local made, list = {}, {}
    local values = { { 1, "two" }, "text", 5, false, { n = 2.0, list = {} } }
    for i, value in ipairs(values) do
      local id = "app:plain" .. i
      assert(registry.snapshot():changes():create({ id = id, kind = "registry.entry", data = value, meta = { n = i } }):apply())
      list[i] = registry.get(id).data
    end
    local list_of_code = registry.snapshot():changes():create({ id = "app:no", kind = "function.lua", data = { 1 } })
    local _, err = list_of_code:apply()
    return { list, math.type(list[5].n), #registry.find({ ["meta.n"] = 3.0 }), err:message() }`,
  imports: `assert(registry.snapshot():changes():create({ id = "app:bare", kind = "function.lua",
      data = { source = "local j, p = require('j'), require('p') return { main = function() return j.encode({ type(p.spawn) }) end }",
        method = "main", imports = { j = "json", p = "process" } } }):apply())
    return funcs.call("app:bare")`,
  delta:
    `local a = { { id = "n:a", kind = "registry.entry", data = { x = 1 } }, { id = "n:b", kind = "registry.entry", data = {} } }
    local b = { { id = "n:a", kind = "registry.entry", data = { x = 2 } }, { id = "n:c", kind = "registry.entry", data = {} } }
    local list = {}
    for _, op in ipairs(registry.build_delta(a, b)) do list[#list + 1] = op.kind .. " " .. op.entry.id end
    return list`,
  bus: `local sub = events.subscribe("registry")
    apply({ id = "app:setting", kind = "registry.entry", data = { value = 9 } })
    apply(${entry("answer", "oops")})
    local list = {}
    for _ = 1, 6 do local e = sub:channel():receive() list[#list + 1] = e.kind end
    return list`,
};

async function start(workers = 1) {
  return await startApplication({
    entries: {
      setting: { kind: "registry.entry", meta: { type: "x", tags: ["a", "b"] }, value: 5 },
      other: { kind: "process.host", lifecycle: { auto_start: true } },
    },
    libraries: { words: `return { hello = function() return "old" end }` },
    processes: {
      idle: main("process.inbox():receive()"),
      upgradable: {
        imports: { words: "app:words" },
        source: `return { main = function(parent)
          process.set_options{ upgradable = true }
          process.send(parent, "is", words.hello())
          local events, inbox = process.events(), process.inbox()
          while true do
            local r = channel.select{ inbox:case_receive(), events:case_receive() }
            if r.channel == inbox then return end
            if r.value.kind == process.event.OUTDATED then
              process.send(parent, "outdated", table.concat(r.value.sources, ","))
              process.upgrade(nil, parent)
            end
          end
        end }`,
      },
    },
    functions: {
      greet: {
        imports: { words: "app:words" },
        source: "return { main = function() return words.hello() end }",
      },
      answer: "return { main = function() return 1 end }",
      slow: {
        modules: ["time"],
        source: `return { main = function() require("time").sleep("60ms") return "old" end }`,
      },
      run: {
        modules: ["registry", "funcs", "time", "events"],
        source:
          `local registry, funcs, time, events = require("registry"), require("funcs"), require("time"), require("events")
          local function apply(...)
            local c = registry.snapshot():changes()
            for _, e in ipairs({ ... }) do assert(c:update(e)) end
            return c:apply()
          end
          local bodies = {}
          ${
            Object.entries(bodies).map(([name, body]) => `function bodies.${name}() ${body} end\n`)
              .join("")
          }
          return { main = function(name) return bodies[name]() end }`,
      },
    },
  }, { workers });
}

async function run(name: keyof typeof bodies, workers = 1): Promise<unknown> {
  const app = await start(workers);
  return await app.call("run", name);
}

describe("registry", () => {
  test("get, find and parse_id", async () => {
    expect(await run("read")).toEqual([
      "registry.entry",
      5,
      ["a", "b"],
      "NotFound",
      "entry not found: app:nothing",
      1,
      2 + 2,
      "b:c",
    ]);
  });

  test("new code is used by the next call, a deleted function is gone", async () => {
    expect(await run("code")).toEqual([
      1,
      2,
      3,
      "NotFound",
      "v1",
      1,
      "registry.Version{v2}",
      "registry.Changes{ops=1}",
      3,
    ]);
  });

  test("a body that fails is a fault of code that has VMs at once, and is else told when it is used", async () => {
    const [lazy, empty, adaptive, process, workflow, library, user, eager, unreadable, ...used] =
      await run("bodies") as string[];
    expect([lazy, empty, process, workflow, library, user]).toEqual(Array(6).fill("done"));
    const load = "failed to execute script: app:";
    expect(adaptive).toBe(
      `Internal: failed to apply changes: app:adaptive:1: ${load}adaptive:1: at load`,
    );
    expect(eager).toContain(`${load}library.lua:1: at load`);
    expect(unreadable).toContain("app:unreadable:1: ");
    expect(used).toEqual([
      `Internal: ${load}lazy:1: at load`,
      'NotFound: method "main" not found in module',
      `Internal: ${load}library.lua:1: at load`,
      `Internal: ${load}process.lua:1: at load`,
    ]);
  });

  test("a library's users are loaded anew; calls in flight end with the old code", async () => {
    expect(await run("library")).toEqual(["old", "new", "old", "new"]);
  });

  test("the payload of a registry.entry is any plain value, numbers are compared by value", async () => {
    expect(await run("plain")).toEqual([
      [[1, "two"], "text", 5, false, { n: 2, list: {} }],
      "integer",
      1,
      "failed to apply changes: app:no: data must be a map",
    ]);
  });

  test("a bare name under imports is that of a built-in module", async () => {
    expect(await run("imports")).toBe('["function"]');
  });

  test("a mistake leaves everything as it was, and says where it is", async () => {
    expect(await run("mistakes")).toEqual([
      expect.stringMatching(
        /^Internal: failed to apply changes: app:answer.*'\)' expected|expected near/,
      ),
      expect.stringMatching(/^Internal: failed to apply changes: app:answer:1: .*at load/),
      expect.stringMatching(/^Internal: .*method "main" not found in module/),
      expect.stringMatching(/^Internal: .*unknown module "nothing"/),
      "Internal: failed to apply changes: cannot change entry kind from function.lua to process.lua for {ns: app, name: answer}",
      "Internal: failed to apply changes: entry does not exist: {ns: app, name: missing}",
      "Internal: failed to apply changes: entry already exists: {ns: app, name: setting}",
      expect.stringMatching(/^Internal: failed to apply changes: .*app:words/),
      "Invalid: no changes to apply",
      'Invalid: convert entry: id must be "namespace:name" or { ns =, name = }',
      "Invalid: invalid ID format",
      "Invalid: invalid version ID",
      "NotFound: version not found: v9",
      "Invalid: a registry.Version is needed, not number",
      "1 v0",
    ]);
  });

  test("a dependency on a module that is not installed is refused", async () => {
    expect(await run("dependency")).toEqual([
      true,
      "Conflict",
      "dependency resolution failed: app:dep: the module acme/none >=9.0.0 is not installed; " +
      "put it into .wippy/vendor/acme/none and add it to modules in wippy.lock, or write " +
      "its directory to workspace.replacements in .wippy.yaml",
      1,
      "acme/none",
      ">=9.0.0",
      true,
      true,
      0,
    ]);
  });

  test("versions are a tree; one can go back", async () => {
    expect(await run("versions")).toEqual([
      3,
      6,
      true,
      true,
      6,
      3,
      1,
      3,
      "registry.Snapshot{version=v1}",
      true,
      5,
    ]);
  });

  test("an empty table is a list where one was, or where the kind wants one", async () => {
    expect(await run("empty")).toBe(0);
  });

  test("build_delta", async () => {
    expect(await run("delta")).toEqual([
      "entry.delete n:b",
      "entry.update n:a",
      "entry.create n:c",
    ]);
  });

  test("the bus tells of changes and of those that were discarded", async () => {
    expect(await run("bus")).toEqual([
      "registry.begin",
      "entry.update",
      "entry.accept",
      "registry.commit",
      "registry.begin",
      "registry.discard",
    ]);
  });
});

describe("hot code", () => {
  const newWords = {
    id: "app:words",
    kind: "library.lua",
    meta: {},
    data: { source: 'return { hello = function() return "new" end }' },
  };

  test("an upgradable process is told, once for many changes, and goes on with the new code", async () => {
    const app = await startApplication({
      libraries: { words: `return { hello = function() return "old" end }` },
      processes: {
        upgradable: {
          imports: { words: "app:words" },
          source: `return { main = function(parent)
            process.set_options{ upgradable = true }
            process.send(parent, "said", words.hello() .. " " .. process.pid())
            process.listen("go on"):receive()
            local e = process.events():receive()
            process.send(parent, "said", e.kind .. " " .. table.concat(e.sources, " "))
            process.upgrade(nil, parent)
          end }`,
        },
      },
      functions: {
        start: `return { main = function()
          local said = process.listen("said")
          local pid = process.spawn("app:upgradable", "app:processes", process.pid())
          local before = said:receive()
          process.registry.register("starter")
          process.listen("changed"):receive()
          process.send(pid, "go on")
          local outdated, after = said:receive(), said:receive()
          return { before:match("^%a+"), outdated, after:match("^%a+"), before:match(" .*") == after:match(" .*") }
        end }`,
        changed: 'return { main = function() return process.send("starter", "changed") end }',
      },
    });
    const result = app.call("start");
    await until(async () =>
      (await app.node.control.units()).units.some(({ names }) => names?.includes("starter"))
    );
    await app.node.registry.apply([{ kind: "entry.update", entry: newWords }]);
    const process = app.node.registry.versions.entries.get("app:upgradable")!;
    await app.node.registry.apply([{
      kind: "entry.update",
      entry: { ...process, meta: { comment: "changed" } },
    }]);
    await app.call("changed");
    const list = await result as unknown[];
    expect(list).toEqual(["old", "pid.outdated app:words app:upgradable", "new", true]);
  });

  test("services come and go with their entries", async () => {
    const app = await start();
    const service = (value: string) => ({
      id: "app:service",
      kind: "process.service",
      meta: {},
      data: {
        process: "app:named",
        host: "app:processes",
        input: [value],
        lifecycle: { auto_start: true, stop_timeout: "1s" },
      },
    });
    const named = {
      id: "app:named",
      kind: "process.lua",
      meta: {},
      data: {
        source: `return { main = function(name)
          process.registry.register(name) process.events():receive() end }`,
        modules: [],
      },
    };
    const units = async () => (await app.node.control.units({ entry: "app:named" })).units;
    await app.node.registry.apply([
      { kind: "entry.create", entry: service("first") },
      { kind: "entry.create", entry: named },
    ]);
    await until(async () => (await units()).some(({ names }) => names?.length));
    expect((await units()).map(({ names }) => names)).toEqual([["first"]]);
    await app.node.registry.apply([{ kind: "entry.delete", entry: service("") }]);
    expect(await units()).toEqual([]);
  });

  test("every worker has the new code, those that start later too", async () => {
    const app = await start(2);
    await app.node.registry.apply([{
      kind: "entry.update",
      entry: {
        id: "app:idle",
        kind: "process.lua",
        meta: {},
        data: {
          source:
            `return { main = function(parent, n) process.send(parent, "is", n) process.inbox():receive() end }`,
        },
      },
    }, {
      kind: "entry.create",
      entry: {
        id: "app:many",
        kind: "function.lua",
        meta: {},
        data: {
          method: "main",
          source: `return { main = function()
            local is = process.listen("is")
            local workers = {}
            for i = 1, 40 do
              local pid = assert(process.spawn("app:idle", "app:other", process.pid(), i))
              workers[tonumber(pid:match("0x(%x+)"), 16) & 63] = true
              is:receive()
            end
            return { workers[0] == true, workers[1] == true }
          end }`,
        },
      },
    }]);
    const seen = new Set<number>();
    await until(async () => {
      const workers = await app.call("many") as boolean[];
      workers.forEach((used, index) => used && seen.add(index));
      return seen.size === 2;
    });
    expect(seen).toEqual(new Set([0, 1]));
  });
});

test("data with integers of more than 64 bits reaches code, as floats", async () => {
  const large = { n: 2n ** 63n, list: [-(2n ** 63n) - 1n, 2n ** 62n] };
  const application = await startApplication({
    entries: { large: { kind: "registry.entry", meta: { n: 2n ** 64n }, data: large } },
    functions: {
      main: {
        modules: ["registry", "time", "funcs"],
        source: main(`local e = require("registry").find({ [".id"] = "app:large" })[1]
          local list = e.data.list
          return { math.type(e.meta.n), e.data.n == 2.0 ^ 63, list[1] == -2.0 ^ 63, list[2] == 1 << 62 }`),
      },
    },
  });
  expect(await application.call("main")).toEqual(["float", true, true, true]);
});
