/**
 * Every function that workflow code can reach is called in a workflow whose history is then replayed in a fresh runtime, in
 * a world that has changed: another clock and seed, other variables, entries, policies, names and PIDs.
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "../../../src/app/config.ts";
import { Node } from "../../../src/node/node.ts";
import type { LogRecord } from "../../../src/observe/log.ts";
import type { Entry } from "../../../src/registry/entry.ts";
import { builtinModules } from "../../../src/registry/modules.ts";
import { Simulation } from "../../../src/platform/simulation.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { sources } from "../../../src/worker/sources.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { probes, refused } from "./probes.ts";

const modules = [...builtinModules.keys()].filter((name) => !globals().includes(name));

const requires = modules.map((name) => `local ${name} = require("${name}")`).join("\n");

/** Shows values as texts; what has no contents of its own that a replay could see is shown by its name. */
const show = `
local function show(value, depth)
  if type(value) ~= "table" then
    local ok, kind = pcall(function() return value:kind() end)
    return ok and errors.is(value, kind) and kind .. ": " .. value:message() or tostring(value)
  elseif depth > 5 then
    return "…"
  end
  local parts = {}
  for key, item in pairs(value) do
    parts[#parts + 1] = tostring(key) .. "=" .. show(item, depth + 1)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end
local function keys(over, list)
  local found = {}
  for _, t in ipairs(list) do
    found[#found + 1] = show({ pcall(function()
      local names = {}
      for key in over(t) do names[#names + 1] = tostring(key) end
      return table.concat(names, " ")
    end) }, 0)
  end
  return found
end
local function tables()
  local many, channels, objects = { [true] = 1, [false] = 2, [2.5] = 3, x = 4 }, {}, {}
  for i = 1, 50 do many["key" .. i] = i many[i * 7] = i end
  for i = 1, 20 do channels[channel.new()] = i objects[{}] = i end
  return { many, channels, { [{}] = 1, a = 2 }, objects, string, math }
end
local function texts(...)
  local list = { ... }
  for i = 1, select("#", ...) do list[i] = tostring(list[i]) end
  return table.unpack(list)
end
`;

/** Names of the probes by module: one run calls those of one module. */
const groups = Map.groupBy(
  Object.keys(probes),
  (name) => /[.:]/.test(name) ? name.split(/[.:]/)[0]! : "global",
);

function probesOf(names: readonly string[]): string {
  const calls = names.map((name) => `look("${name}", function() return ${probes[name]} end)`);
  return `${requires}\n${show}
  local seen = {}
  local function look(name, use)
    local values = { pcall(use) }
    local _, text = pcall(show, values, 0)
    seen[name] = text
  end
  return { main = function()
    ${calls.join("\n")}
    workflow.set_query_handler("seen", function() return seen end)
    seen.then_ = tostring({}) .. " " .. math.random(1000000)
    process.listen("go"):receive()
    return seen
  end }`;
}

/** Whether a workflow may list a module; one that lists another is refused when it is loaded. */
function inWorkflows(module: string): boolean {
  return builtinModules.get(module)?.workflows ?? true;
}

const enumerate = `${requires}
  return { main = function(globals)
    local found = {}
    local function walk(name, value, depth)
      if type(value) == "function" then
        found[#found + 1] = name
      elseif type(value) == "table" and depth < 4 then
        for key, inner in pairs(value) do walk(name .. "." .. tostring(key), inner, depth + 1) end
      end
    end
    for _, name in ipairs(globals) do walk(name, _G[name], 0) end
    for _, name in ipairs({ ${
  modules.filter(inWorkflows).map((name) => `"${name}"`).join(", ")
} }) do
      walk(name, require(name), 0)
    end
    return found
  end }`;

/** Names that the sandbox gives to every unit, as its sources put them there. */
function globals(): string[] {
  const found = new Set<string>(["require"]);
  const sandbox = sources["kernel/core/sandbox"] ?? "";
  const plain = sandbox.slice(sandbox.indexOf("local base = {}"), sandbox.indexOf("base[name] ="));
  for (const [, name] of plain.matchAll(/"(\w+)"/g)) found.add(name!);
  for (const [, name] of sandbox.matchAll(/base\.(\w+)(?:\(| =)/g)) found.add(name!);
  for (const [, name] of sandbox.matchAll(/\nlibrary\("(\w+)"/g)) found.add(name!);
  const always = sources["kernel/globals"]!;
  for (const [, name] of always.matchAll(/sandbox\.always\(\s*"(\w+)"/g)) found.add(name!);
  return [...found].sort();
}

/** Methods of objects, as `file method`, from the sources of what applications are given. */
function methods(): string[] {
  const files = Object.keys(sources).filter((name) =>
    /^modules\/|^kernel\/\w+\/(channel|errors|future|identity|messaging|payload)$/.test(name) &&
    inWorkflows(name.replace("modules/", ""))
  );
  return files.flatMap((file) =>
    [...sources[file]!.matchAll(/function (?:\w+_)?methods[.:](\w+)\(/g)].map(([, method]) =>
      `${file} ${method}`
    )
  );
}

interface World {
  version: number;
  simulation: Simulation;
}

function entriesOf(directory: string, { version }: World): Entry[] {
  const auto = { lifecycle: { auto_start: true, stop_timeout: "200ms" } };
  const code = (id: string, kind: string, source: string): Entry => ({
    id: `app:${id}`,
    kind,
    meta: {},
    data: { source, method: "main", modules },
  });
  const main = (body: string) => `${requires}\nreturn { main = function(...) ${body}\nend }`;
  const plain = (id: string, kind: string, data: Record<string, unknown>): Entry => ({
    id: `app:${id}`,
    kind,
    meta: { version },
    data,
  });
  return [
    plain("durable", "workflow.host", auto),
    plain("processes", "process.host", auto),
    plain("files", "fs.directory", { directory }),
    plain("database", "db.sql.sqlite", { file: ":memory:", ...auto }),
    plain("cache", "store.memory", auto),
    plain("aws", "config.aws", { region: "r", access_key_id: "a", secret_access_key: "s" }),
    plain("bucket", "cloudstorage.s3", {
      config: "app:aws",
      bucket: "books",
      endpoint: "http://127.0.0.1:1",
    }),
    plain("driver", "queue.driver.memory", auto),
    plain("work", "queue.queue", { driver: "app:driver" }),
    plain("tokens", "security.token_store", { store: "cache" }),
    plain("presence", "pg.scope", {}),
    plain("pages", "template.set", {}),
    plain("page", "template.jet", { set: "pages", source: `${version} {{ x }}` }),
    plain("fixed", "env.storage.static", { values: { COLOUR: `red ${version}` } }),
    plain("memory", "env.storage.memory", {}),
    plain("colour", "env.variable", { variable: "COLOUR", storage: "app:fixed" }),
    plain("changing", "env.variable", { storage: "app:memory", default: `${version}` }),
    plain("store", "contract.definition", {
      methods: version === 1 ? [{ name: "get" }] : [{ name: "get" }, { name: "put" }],
    }),
    plain("memory_store", "contract.binding", {
      contracts: [{
        contract: "app:store",
        default: true,
        methods: { get: version === 1 ? "app:get" : "app:other" },
      }],
    }),
    plain("all", "security.policy", {
      policy: { actions: "*", resources: "*", effect: version === 1 ? "allow" : "deny" },
      groups: ["app:everyone"],
    }),
    ...(version === 1 ? [] : [plain("extra", "env.variable", { storage: "app:memory" })]),
    code("get", "function.lua", main(`return { version = ${version}, (...) }`)),
    code("other", "function.lua", main("return { other = true }")),
    code("list", "function.lua", enumerate),
    code("plain", "process.lua", main(`return ${version}`)),
    code(
      "peer",
      "process.lua",
      main(`process.registry.register((...))
        assert(pg.open("app:presence")):join("peers")
        process.events():receive()`),
    ),
    code(
      "steady",
      "workflow.lua",
      main(`workflow.set_query_handler("answer", function() return ${version} end)
        workflow.set_update_handler("double", function(n) return n * 2 end)
        process.listen("end"):receive()`),
    ),
    code("child", "workflow.lua", main(`return ${version} * (...)`)),
    ...[...groups].map(([name, names]) => code(`probe_${name}`, "workflow.lua", probesOf(names))),
    // What the probes need, and other PIDs in the second world.
    code(
      "prepare",
      "function.lua",
      main(`for i = 1, ${version} * 3 do process.spawn("app:plain", "app:processes") end
        for i = 1, ${version} do
          process.spawn("app:peer", "app:processes", "peer")
          process.spawn("app:peer", "app:processes", "victim")
        end
        process.with_options({ ["workflow.id"] = "steady" }):spawn("app:steady", "app:durable")
        time.sleep("1s")`),
    ),
    code(
      "begin",
      "function.lua",
      main(`local names, identified = ...
        local builder = process.with_context({ colour = "blue" })
        if identified then
          builder = builder:with_actor(security.new_actor("ada", { level = 1 }))
            :with_scope(assert(security.named_scope("app:everyone")))
        end
        for _, name in ipairs(names) do
          assert(builder:with_options({ ["workflow.id"] = name })
            :spawn("app:probe_" .. name, "app:durable"))
        end
        time.sleep("1m")`),
    ),
  ];
}

async function open(directory: string, world: World, logs: LogRecord[]): Promise<Node> {
  const node = await Node.start({
    entries: entriesOf(directory, world),
    config: Config.empty,
    directory,
    stateDir: join(directory, ".wippy"),
    workers: 1,
    inline: true,
    simulation: world.simulation,
    log: { log: (record) => logs.push(record) },
  });
  await node.launch();
  return node;
}

/** What each probe saw, by name; asked while the runs wait. */
async function seen(node: Node): Promise<Record<string, LuaValue>> {
  const all: Record<string, LuaValue> = {};
  for (const group of groups.keys()) {
    const answer = await node.workflows.query(`{app:durable|${group}}`, "seen", [])
      .catch((error: Error) => ({ [group]: error.message }));
    const { then_, ...values } = answer as Record<string, LuaValue>;
    Object.assign(all, values, { [`then ${group}`]: then_ });
  }
  return all;
}

test("every function that workflow code can reach has a probe", async () => {
  const directory = mkdtempSync(join(tmpdir(), "wippy-probes-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  const world = { version: 1, simulation: new Simulation({ seed: 1 }) };
  const node = await open(directory, world, []);
  cleanAfterTest(() => node.stop());
  const found = await node.call("app:list", [globals()]) as string[];
  expect(found.length).toBeGreaterThan(200);
  expect(found.filter((name) => !(name in probes))).toEqual([]);
  const called = Object.values(probes).join("\n");
  const uncalled = methods().filter((name) => !called.includes(`:${name.split(" ")[1]}(`));
  // Streams and scanners read open files, which a workflow cannot have.
  expect(uncalled).toEqual([]);
}, 60_000);

for (const kind of ["anonymous", "identified"] as const) {
  test(`a replay in a changed world sees and does the same, ${kind}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), "wippy-probes-"));
    cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
    const logs: LogRecord[] = [];
    const first = await open(directory, {
      version: 1,
      simulation: new Simulation({ seed: 1 }),
    }, logs);
    await first.call("app:prepare", []);
    await first.call("app:begin", [[...groups.keys()], kind === "identified"]);
    const before = await seen(first);
    await first.stop();

    const second = await open(directory, {
      version: 2,
      simulation: new Simulation({ seed: 2, startTime: Date.UTC(2027, 5, 1) }),
    }, logs);
    cleanAfterTest(() => second.stop());
    await second.call("app:prepare", []);
    const after = await seen(second);
    expect(after).toEqual(before);
    expect(Object.keys(probes).filter((name) => !(name in before))).toEqual([]);
    // They go on where they were.
    for (const group of groups.keys()) {
      const ended = new Promise((resolve) => {
        second.workflows.watch(`{app:durable|${group}}`, (value, error) => resolve(error ?? value));
      });
      await second.workflows.signal(`{app:durable|${group}}`, "go", "", []);
      expect(Object.keys(await ended as object)).toContain("then_");
    }
    expect(logs.filter(({ message }) => message.includes("is blocked"))).toEqual([]);
    const unavailable = Object.entries(before).filter(([, answer]) =>
      /Invalid: .* (?:is not available in a workflow|not supported in workflow context)/.test(
        String(answer),
      )
    ).map(([name]) => name).sort();
    expect(unavailable).toEqual([...refused]);
  }, 240_000);
}
