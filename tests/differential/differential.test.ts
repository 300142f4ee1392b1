import { beforeAll, describe, expect, test } from "bun:test";
import { LuaFactory } from "wasmoon";
import { loadLuaModule } from "../../src/vm/module.ts";
import { Vm } from "../../src/vm/vm.ts";
import { arrays } from "./snippets/arrays.ts";
import { closing } from "./snippets/closing.ts";
import { coroutines } from "./snippets/coroutines.ts";
import { language } from "./snippets/language.ts";
import { libraries } from "./snippets/libraries.ts";
import { matrix } from "./snippets/matrix.ts";
import { programs } from "./snippets/programs.ts";
import { raising } from "./snippets/raising.ts";
import { switches } from "./snippets/switches.ts";

// Each snippet's printed output must be equal on the wasm as wasmoon ships it, on the transformed
// one, and on a native Lua 5.4 where there is one. A snippet starts with its name in a comment.

interface Snippet {
  readonly name: string;
  readonly source: string;
}

function split(topic: string, text: string): Snippet[] {
  return text.trim().split(/\n\n+/).map((source) => {
    const name = /^-- (.*)/.exec(source)?.[1];
    if (name === undefined) throw new Error(`a snippet of ${topic} has no name:\n${source}`);
    return { name: `${topic}: ${name}`, source };
  });
}

const snippets = Object.entries({
  arrays,
  closing,
  coroutines,
  language,
  libraries,
  matrix,
  programs,
  raising,
  switches,
})
  .flatMap(([topic, text]) => split(topic, text));

/** Lua code that runs all snippets and answers their outputs as one string. */
const driver = `
local sources, run = ...
run = run or pcall
local outputs = {}
local chunks, envs = {}, {}
for i, source in ipairs(sources) do
  envs[i] = setmetatable({}, { __index = _G })
  chunks[i] = table.pack(load(source, "=snippet", "t", envs[i]))
end
if host and host.compile_all then host.compile_all() end
for i in ipairs(sources) do
  local lines = {}
  local env = envs[i]
  env.print = function(...)
    local parts = table.pack(...)
    for n = 1, parts.n do parts[n] = tostring(parts[n]) end
    lines[#lines + 1] = table.concat(parts, "\\t")
  end
  local chunk, message = chunks[i][1], chunks[i][2]
  if chunk then
    local ok, result = run(chunk)
    if not ok then lines[#lines + 1] = "raised " .. tostring(result) end
  else
    lines[#lines + 1] = message
  end
  -- Escaped, because engines decode bytes that are not UTF-8 differently.
  outputs[i] = table.concat(lines, "\\n"):gsub("[^%g \\n\\t]", function(c)
    return string.format("\\\\%03d", c:byte())
  end)
  collectgarbage("incremental")
end
return table.concat(outputs, "\\1")`;

/** Snippets as a Lua table's text: long brackets hold any of them. */
const asTable = (chosen: readonly Snippet[]) =>
  `{ ${chosen.map(({ source }) => `[=====[\n${source}]=====]`).join(", ")} }`;
const sources = asTable(snippets);

/** Runs a chunk as a unit of the kernel with very little fuel, so that it stops everywhere. */
const preempting = `
host.slice(7)
return function(chunk)
  local co = coroutine.create(chunk)
  local status, result
  repeat status, result = host.resume(co) until status ~= 3
  return status == 0, result
end`;

/** The same with as much fuel as there is. */
const asUnit = preempting.replace("7", "0x7fffffff");

/** Snippets that speak of the main thread. */
const inMain = /outside a coroutine|isyieldable and running/;

/**
 * Snippets that speak of the main thread, use the hooks that preemption takes, or fill the stack:
 * setting a hook visits every frame, so with so little fuel those take minutes.
 */
const notPreempted = /outside a coroutine|isyieldable and running|hook|overflow/;

/** With `compiled`, all functions of a snippet are compiled to WebAssembly before it runs. */
async function runTransformed(
  run = "return pcall",
  chosen = sources,
  compiled = false,
): Promise<string> {
  const vm = await Vm.create({ module: await loadLuaModule(), clock: Date.now, jit: compiled });
  if (compiled) {
    vm.registerRaw("compile_all", () => {
      vm.compiling!.hot!.compileAll();
      return 0;
    });
  }
  const [start] = vm.load(
    `local driver, sources, run = ...
    return function() return load(driver)(load("return " .. sources)(), load(run)()) end`,
    "=start",
    driver,
    chosen,
    run,
  );
  return String(vm.call(start!)[0]);
}

async function runShipped(): Promise<string> {
  const engine = await new LuaFactory().createEngine({ injectObjects: false });
  engine.global.set("driver", driver);
  engine.global.set("sources", `return ${sources}`);
  return engine.doStringSync("return load(driver)(load(sources)())");
}

function runNative(command: string): string {
  const script = `io.write(load([=======[${driver}]=======])(${sources}))`;
  const { stdout, stderr, exitCode } = Bun.spawnSync([command, "-"], {
    stdin: Buffer.from(script),
    env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
  });
  if (exitCode !== 0) throw new Error(`${command} failed: ${stderr}`);
  return stdout.toString();
}

const outputs = async (run: () => string | Promise<string>) => (await run()).split("\x01");
/** The snippets whose outputs differ, with both. */
function differences(ours: readonly string[], theirs: readonly string[], of = snippets) {
  return of.flatMap(({ name }, i) =>
    ours[i] === theirs[i] ? [] : [{ name, ours: ours[i], theirs: theirs[i] }]
  );
}

const native = Bun.which("lua5.4");

describe("the transformed Lua prints what Lua prints", () => {
  let transformed: string[];
  let shipped: string[];

  beforeAll(async () => {
    transformed = await outputs(runTransformed);
    shipped = await outputs(runShipped);
  }, 60_000);

  test("there are enough snippets, each with an output", () => {
    expect(snippets.length).toBeGreaterThanOrEqual(300);
    expect(transformed.length).toBe(snippets.length);
    expect(new Set(snippets.map(({ name }) => name)).size).toBe(snippets.length);
    expect(snippets.filter((_, i) => transformed[i] === "").map(({ name }) => name)).toEqual([]);
  });

  test("as on the wasm that wasmoon ships", () => {
    expect(differences(transformed, shipped)).toEqual([]);
  });

  test("as in a unit of the kernel", async () => {
    const chosen = snippets.filter(({ name }) => !inMain.test(name));
    const expected = transformed.filter((_, i) => !inMain.test(snippets[i]!.name));
    const inUnits = await outputs(() => runTransformed(asUnit, asTable(chosen)));
    expect(differences(inUnits, expected, chosen)).toEqual([]);
  }, 60_000);

  test("as when its fuel is spent at every turn", async () => {
    const chosen = snippets.filter(({ name }) => !notPreempted.test(name));
    const preempted = await outputs(() => runTransformed(preempting, asTable(chosen)));
    const expected = transformed.filter((_, i) => !notPreempted.test(snippets[i]!.name));
    expect(differences(preempted, expected, chosen)).toEqual([]);
  }, 60_000);

  test("as when all functions are compiled", async () => {
    const compiled = await outputs(() => runTransformed("return pcall", sources, true));
    expect(differences(compiled, transformed)).toEqual([]);
  }, 60_000);

  test("as when all functions are compiled, and fuel is spent at every turn", async () => {
    const chosen = snippets.filter(({ name }) => !notPreempted.test(name));
    const compiled = await outputs(() => runTransformed(preempting, asTable(chosen), true));
    const expected = transformed.filter((_, i) => !notPreempted.test(snippets[i]!.name));
    expect(differences(compiled, expected, chosen)).toEqual([]);
  }, 60_000);

  test.skipIf(native === null)("as on the native lua5.4", async () => {
    const expected = await outputs(() => runNative(native!));
    expect(differences(transformed, expected)).toEqual([]);
  }, 60_000);
});
