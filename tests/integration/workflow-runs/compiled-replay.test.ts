/**
 * Compiled code repeats histories as interpreted code does: those of the kept journals, and those of workflows that do
 * what a compiler may get wrong.
 * @module
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadApplication } from "../../../src/app/app.ts";
import { Config } from "../../../src/app/config.ts";
import { withSyntaxCheck } from "../../../src/app/syntax-check.ts";
import { replayNode } from "../../../src/cli/workflow/replay-node.ts";
import { Node } from "../../../src/node/node.ts";
import { silentSink } from "../../../src/observe/log.ts";
import type { Jit } from "../../../src/vm/options.ts";
import { packHistory } from "../../../src/workflows/history/history.ts";
import type { TaskFailure } from "../../../src/workflows/tasks/tasks.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { eventsIn } from "../../journal-events.ts";
import { entriesOf, startDurable, type Units } from "./durable-application.ts";

const everything: Jit = { all: true, most: Infinity };
const fixtures = join(import.meta.dir, "../../fixtures/journals");
const kept = readdirSync(fixtures).filter((file) => file.endsWith(".db")).sort();

type Loaded = Parameters<typeof replayNode>[0];

/** The packed histories of all runs of a journal, by run id. */
function historiesOf(journal: string): Map<string, Uint8Array> {
  const database = new Database(journal, { readonly: true });
  // A checkpoint may be under way.
  database.run("PRAGMA busy_timeout = 5000");
  const runs = database.query<{ run: number; run_id: string }, []>("SELECT run, run_id FROM runs")
    .all();
  const events = eventsIn(database);
  database.close();
  return new Map(
    runs.map((
      { run, run_id: id },
    ) => [id, packHistory(events.filter((event) => event.run === run))]),
  );
}

/** What replays of histories come to. @param jit how the code is compiled; interpreted unless given */
async function replays(
  loaded: Loaded,
  histories: ReadonlyMap<string, Uint8Array>,
  jit?: Jit,
): Promise<(TaskFailure | undefined)[]> {
  const node = await replayNode(loaded, jit && { jit });
  try {
    // What a replay loads is compiled in the next turn, and so runs in the next replay.
    for (const [runId, history] of histories) await node.control.replay(runId, history);
    const found = [];
    for (const [runId, history] of histories) found.push(await node.control.replay(runId, history));
    if (jit) expect(node.control.workers[0]!.compiled!.functions).toBeGreaterThan(0);
    return found;
  } finally {
    await node.stop();
  }
}

/** What interpreted and compiled code make of histories, which is the same. */
async function inBothModes(loaded: Loaded, histories: ReadonlyMap<string, Uint8Array>) {
  const interpreted = await replays(loaded, histories);
  expect(await replays(loaded, histories, everything)).toEqual(interpreted);
  return interpreted;
}

test.each(kept)("the histories of %s", async (file) => {
  const state = mkdtempSync(join(tmpdir(), "wippy-compiled-"));
  cleanAfterTest(() => rmSync(state, { recursive: true, force: true }));
  const journal = join(state, "journal.db");
  copyFileSync(join(fixtures, file), journal);
  const directory = join(fixtures, "app");
  const loaded = await withSyntaxCheck((checkSyntax) =>
    loadApplication({ directory, system: {}, checkSyntax })
  );
  // Brings the journal up to date.
  const { entries, config } = loaded;
  const node = await Node.start({
    ...{ entries, config, directory, stateDir: state, workers: 1, inline: true, log: silentSink },
  });
  await node.launch();
  await node.stop();
  const histories = historiesOf(journal);
  expect(histories.size).toBeGreaterThan(1);
  for (const difference of await inBothModes(loaded, histories)) expect(difference).toBeUndefined();
  const order = entries.find(({ id }) => id === "app:order")!;
  const source = String(order.data["source"]);
  const changed = source.replace("local doubled", 'time.sleep("1ms") local doubled');
  expect(changed).not.toBe(source);
  const others = entries.filter((entry) => entry !== order);
  const found = await inBothModes(
    { ...loaded, entries: [...others, { ...order, data: { ...order.data, source: changed } }] },
    histories,
  );
  for (const difference of found) {
    expect(difference?.message).toContain("the code made start_timer #1");
  }
});

/** Bodies of workflows, whose steps depend on what the code computes. */
const bodies = {
  numbers: `local sum, text = 0, ""
    for i = 1, 300 do
      sum = sum + i // 7 * 1.5 - (i << 3) % 11
      if i % 60 == 0 then text = text .. funcs.call("app:echo", sum // 1 | 0) .. "," end
    end
    for i = 10, 1, -3 do text = text .. funcs.call("app:echo", i + 0.5) end
    return text`,
  tables: `local list, seen = {}, {}
    for i = 1, 40 do list[i] = { key = "k" .. (i * 7919 % 40), at = i } end
    table.sort(list, function(a, b) return a.key < b.key end)
    for i, item in ipairs(list) do
      seen[item.key] = (seen[item.key] or 0) + item.at
      if i % 8 == 0 then funcs.call("app:echo", item.key, item.at) end
    end
    for key, n in pairs(seen) do if n % 13 == 0 then funcs.call("app:echo", key) end end
    return #list`,
  metamethods: `local Money = {}
    Money.__index = function(_, name) return rawget(Money, name) or name end
    Money.__add = function(a, b) return setmetatable({ n = a.n + b.n }, Money) end
    Money.__lt = function(a, b) return a.n < b.n end
    Money.__concat = function(a, b) return tostring(a.n or a) .. tostring(b.n or b) end
    Money.__call = function(self, n) return funcs.call("app:echo", self.n * n) end
    local sum = setmetatable({ n = 0 }, Money)
    for i = 1, 20 do
      sum = sum + setmetatable({ n = i }, Money)
      if setmetatable({ n = 100 }, Money) < sum and i % 3 == 0 then sum(i) end
    end
    return sum .. "!" .. sum.missing`,
  coroutines: `local function numbers(n)
      return coroutine.wrap(function()
        for i = 1, n do coroutine.yield(funcs.call("app:echo", i)) end
      end)
    end
    local out = {}
    for n in numbers(4) do out[#out + 1] = n end
    local done = channel.new(3)
    for i = 1, 3 do coroutine.spawn(function() time.sleep(i .. "ms") done:send(i) end) end
    for i = 1, 3 do out[#out + 1] = done:receive() end
    return table.concat(out, " ")`,
  errors: `local function fail(n)
      if n == 0 then error({ code = funcs.call("app:echo", 7) }) end
      return fail(n - 1) + 1
    end
    local caught = {}
    for n = 0, 5 do
      local ok, err = pcall(fail, n)
      caught[#caught + 1] = tostring(ok) .. err.code
    end
    local ok, err = pcall(function() return nil + 1 end)
    funcs.call("app:echo", ok, tostring(err))
    local where
    do
      local closed <close> = setmetatable({}, { __close = function() where = workflow.info().workflow_id end })
      time.sleep("1ms")
    end
    error(where .. #caught)`,
  select: `local function count(...)
      local n = select("#", ...)
      if n == 0 then return 0 end
      return 1 + count(select(2, ...))
    end
    local inbox, timeout = process.listen("go"), time.after("1ms")
    local got
    repeat
      local result = channel.select { inbox:case_receive(), timeout:case_receive() }
      got = result.channel == timeout
    until got
    return funcs.call("app:echo", count(1, nil, 3, nil), ("x"):rep(3), (workflow.version("v", 1, 2)))`,
} as const;

const names = Object.keys(bodies);

function units(change = (body: string) => body): Units {
  return {
    workflows: Object.fromEntries(
      Object.entries(bodies).map(([name, body]) => [name, change(body)]),
    ),
    functions: {
      echo: "return ...",
      other: "return ...",
      run: `local out = {}
        for _, name in ipairs(...) do
          local value, err = process.with_options{ ["workflow.id"] = name }:exec("app:" .. name, "app:durable")
          out[name] = err and err:message() or value
        end
        return out`,
    },
  };
}

test.each([
  ["interpreted code", undefined],
  ["compiled code", everything],
])("the histories of %s", async (_name, jit) => {
  const application = await startDurable(units(), jit && { jit });
  // Functions are compiled in the turn after they were loaded, so the second runs are of compiled code.
  const first = await application.call("run", names);
  expect(await application.call("run", names)).toEqual(first);
  expect(first).toMatchObject({ metamethods: "210!missing", coroutines: "1 2 3 4 1 2 3" });
  await application.stop();
  const histories = historiesOf(join(application.directory, ".wippy/journal.db"));
  expect(histories.size).toBe(2 * names.length);
  const loaded = (all: Units): Loaded => ({
    entries: entriesOf(all, application.directory),
    config: Config.empty,
    directory: application.directory,
  });
  for (const difference of await inBothModes(loaded(units()), histories)) {
    expect(difference).toBeUndefined();
  }
  // The last call of each is of another function.
  const other = units((body) => body.replace(/^([^]*)app:echo/, "$1app:other"));
  for (const difference of await inBothModes(loaded(other), histories)) {
    expect(difference?.actual).toMatchObject({ command: expect.stringContaining("app:other") });
  }
});
