/**
 * JSON in a Lua function: a document of 1.5 kB is encoded and decoded again and again, beside Debian's lua-cjson on
 * `lua5.4`. Values are processor time, of all threads.
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf, temporaryFolder } from "../kernel/measurement/command.ts";
import { measure, quick, wanted } from "../kernel/measurement/measurement.ts";
import { entry, startNode } from "./node/node.ts";

const times = quick ? 5_000 : 20_000;

const text = JSON.stringify({
  id: "order-4711",
  customer: { name: "Ada Lovelace", city: "London", vip: true, discount: 0.15 },
  items: Array.from({ length: 20 }, (_, index) => ({
    sku: `sku-${1000 + index}`,
    title: 'Tea, "Earl Grey"',
    count: index + 1,
    price: 12.5 + index,
  })),
  tags: ["new", "paid", "gift"],
});

/** The loop, which both engines run with a `json` of their own. */
const loop = `
local function run(json, text, what, times)
  local value = json.decode(text)
  if what == "encode" then
    for _ = 1, times do assert(#json.encode(value) == #text) end
  else
    for _ = 1, times do assert(json.decode(text).items[20].count == 20) end
  end
end`;

function startOurs() {
  const source = `${loop}
return { main = function(...) run(require("json"), ...) end }`;
  return startNode(temporaryFolder(), [
    entry("json", "function.lua", { method: "main", modules: ["json"], source }),
  ]);
}

async function ours(what: string): Promise<number> {
  const node = await startOurs();
  try {
    const run = (count: number) => node.call("app:json", [text, what, count]);
    await run(times / 5);
    const before = process.cpuUsage();
    await run(times);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  } finally {
    await node.stop();
  }
}

const program = `${loop}
local text, what, times = ...
times = math.tointeger(times)
local json = require("cjson")
run(json, text, what, times // 5)
local begin = os.clock()
run(json, text, what, times)
print((os.clock() - begin) * 1e6 / times)`;

const lua = Bun.which("lua5.4");
const hasCjson = lua !== null &&
  Bun.spawnSync([lua, "-e", `require("cjson")`], { stderr: "ignore" }).exitCode === 0;

function theirs(what: string): number {
  const file = join(temporaryFolder(), "json.lua");
  writeFileSync(file, program);
  return Number(outputOf([lua!, file, text, what, String(times)]));
}

for (const what of ["encode", "decode"]) {
  const figure = `io.json_${what}`;
  if (!hasCjson && wanted(figure)) {
    console.error(`${figure}: no lua5.4 with lua-cjson (scripts/setup --peers), peer left out`);
  }
  await measure({
    figure,
    unit: "µs",
    better: "lower",
    n: times,
    target: hasCjson ? 1 : null,
    ours: () => ours(what),
    peer: hasCjson ? { name: "lua-cjson", run: () => theirs(what) } : undefined,
  });
}
