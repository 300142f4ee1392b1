/**
 * A runtime with a queue in a file, which its test kills: `killed-runtime.ts FOLDER FIRST`. Publishers put numbers from
 * FIRST on into the queue, its consumer handles them, workflows publish too; every step is a line of `effects.log`.
 */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Config } from "../../../src/app/config.ts";
import { Node } from "../../../src/node/node.ts";
import type { Entry } from "../../../src/registry/entry.ts";

const [folder, first] = process.argv.slice(2) as [string, string];
const files = join(folder, "files");
mkdirSync(files, { recursive: true });

const modules = ["queue", "fs", "funcs", "time", "workflow"];
const code = (name: string, kind: string, body: string): Entry => ({
  id: `app:${name}`,
  kind,
  meta: {},
  data: {
    method: "main",
    modules: kind === "workflow.lua" ? ["queue", "time"] : modules,
    source: `local queue, time = require("queue"), require("time")
      ${kind === "workflow.lua" ? "" : 'local fs = require("fs")'}
      local function log(text) assert(assert(fs.get("app:files")):writefile("effects.log", text .. "\\n", "a")) end
      return { main = function(...) ${body}
      end }`,
  },
});
const auto = { lifecycle: { auto_start: true } };
const plain = (name: string, kind: string, data: Record<string, unknown>): Entry => ({
  id: `app:${name}`,
  kind,
  meta: {},
  data,
});

const node = await Node.start({
  entries: [
    plain("files", "fs.directory", { directory: files }),
    plain("processes", "process.host", auto),
    plain("durable", "workflow.host", auto),
    plain("driver", "queue.driver.sqlite", auto),
    plain("work", "queue.queue", { driver: "app:driver" }),
    plain("consumer", "queue.consumer", {
      queue: "app:work",
      func: "app:handle",
      concurrency: 8,
      ...auto,
    }),
    code(
      "publisher",
      "process.lua",
      `local first, step = ...
      for i = first, first + 100000, step do
        assert(queue.publish("app:work", i))
        log("published " .. i)
      end`,
    ),
    code(
      "flow",
      "workflow.lua",
      `local name = ...
      for i = 1, 119, 2 do
        assert(queue.publish("app:work", name .. "/" .. i))
        assert(queue.publish("app:work", name .. "/" .. i + 1))
        time.sleep("1ms")
      end`,
    ),
    code(
      "handle",
      "function.lua",
      `local message = queue.message()
      log(table.concat({ "handled", ..., message:id(), message:attempt() }, " "))
      -- A few are settled by what the handler returns.
      if message:id():byte(-1) % 4 > 0 then
        assert(message:ack())
        log("acknowledged " .. ...)
      end`,
    ),
    code(
      "begin",
      "function.lua",
      `local first = ...
      for i = 0, 4 do assert(process.spawn("app:publisher", "app:processes", first + i, 5)) end
      assert(require("funcs").call("app:begin_flows"))`,
    ),
    code(
      "begin_flows",
      "function.lua",
      `for i = 1, 3 do
        local options = { ["workflow.id"] = "flow" .. i, ["workflow.id_reuse_policy"] = "reject_duplicate" }
        local _, err = process.with_options(options):spawn("app:flow", "app:durable", "flow" .. i)
        assert(not err or err:kind() == "AlreadyExists", err)
      end
      return true`,
    ),
  ],
  config: Config.empty,
  directory: folder,
  stateDir: join(folder, "state"),
  workers: 1,
  inline: true,
  log: { log: ({ level, message, fields }) => level === "error" && console.error(message, fields) },
});
appendFileSync(join(files, "effects.log"), `start ${first}\n`);
await node.launch();
console.log("open");
if (first !== "drain") {
  await node.call("app:begin", [Number(first)]);
} else {
  // A runtime may have been killed before it had started them.
  await node.call("app:begin_flows", []);
  const provider = node.workflows.provider("app:durable");
  for (const flow of ["flow1", "flow2", "flow3"]) {
    await new Promise((resolve) => void provider.watch(flow, resolve));
  }
  // Sleeps because nobody tells when the outbox is empty.
  while (provider.backlog().some(({ waiting }) => waiting > 0)) await Bun.sleep(5);
  for (;;) {
    const work = await node.control.inspectService("app:work") as Record<string, number>;
    if (work["messages"] === 0 && work["in_flight"] === 0) break;
    // Sleeps because nobody tells when a queue is empty.
    await Bun.sleep(5);
  }
  await node.stop();
  process.exit(0);
}
