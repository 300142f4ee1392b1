/**
 * A small application with all three kinds of unit, and a runtime of it that is looked into.
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLocal } from "../../../src/admin/local.ts";
import type { AdminTarget } from "../../../src/admin/route.ts";
import { loadApplication } from "../../../src/app/app.ts";
import { main } from "../../../src/cli/cli.ts";
import { withSyntaxCheck } from "../../../src/app/syntax-check.ts";
import { Node } from "../../../src/node/node.ts";
import type { NodeOptions } from "../../../src/node/options.ts";
import { silentSink } from "../../../src/observe/log.ts";
import { LogMemory } from "../../../src/observe/log-memory.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const files: Readonly<Record<string, string>> = {
  "wippy.lock": "directories: { src: ./src }\n",
  "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true, stop_timeout: 200ms } }
  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - { name: order, kind: workflow.lua, source: "file://order.lua", modules: [workflow, funcs, time] }
  - { name: trying, kind: workflow.lua, source: "file://trying.lua", modules: [funcs] }
  - { name: pay, kind: function.lua, source: "file://pay.lua", method: main, meta: { comment: doubles } }
  - { name: bad, kind: function.lua, source: "file://bad.lua", method: main }
  - { name: counter, kind: process.lua, source: "file://counter.lua", modules: [logger] }
  - name: tree
    kind: process.supervisor
    host: app:processes
    strategy: one_for_one
    children: [{ id: counter, process: "app:counter" }]
    lifecycle: { auto_start: true }
`,
  "src/order.lua":
    `local workflow, funcs, time = require("workflow"), require("funcs"), require("time")
local function main(id, amount)
  local state = "paying"
  workflow.set_query_handler("state", function() return state end)
  workflow.set_update_handler("address", function(to) return "sent to " .. to end)
  local paid = funcs.call("app:pay", amount)
  state = "waiting"
  local message = process.inbox():receive()
  time.sleep("1ms")
  return { id = id, paid = paid, by = message:topic() }
end
return { main = main }
`,
  "src/trying.lua": `local funcs = require("funcs")
return { main = function() return funcs.call("app:bad") end }
`,
  "src/pay.lua": "return { main = function(amount) return amount * 2 end }\n",
  "src/bad.lua": 'return { main = function() error("no luck") end }\n',
  "src/counter.lua": `local logger = require("logger")
local function main()
  process.registry.register("counter")
  local count = 0
  local inbox, events = process.inbox(), process.events()
  while true do
    local chosen = channel.select({ inbox:case_receive(), events:case_receive() })
    if chosen.channel == events then
      return
    end
    local message = chosen.value
    count = count + 1
    logger:warn("counted", { count = count, topic = message:topic() })
  end
end
return { main = main }
`,
};

/** What a command of the command line gave. */
export interface Told {
  status: number;
  out: string;
  err: string;
}

/** The application in a folder of its own. */
export class Shop {
  readonly directory: string = mkdtempSync(join(tmpdir(), "wippy-shop-"));
  #node: Node | undefined;
  #close: (() => Promise<void>) | undefined;
  /** Whether a runtime was told to stop. */
  stopAsked = false;

  /** @param settings of the runtime */
  constructor(readonly settings: Pick<NodeOptions, "jit"> = {}) {
    mkdirSync(join(this.directory, "src"));
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    cleanAfterTest(async () => {
      await this.stop();
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  get stateDir(): string {
    return join(this.directory, ".wippy");
  }

  get node(): Node {
    return this.#node!;
  }

  /** Writes a file of the application. */
  write(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text);
  }

  /** Starts a runtime, without its socket. */
  async start(): Promise<AdminTarget> {
    const { directory, stateDir } = this;
    const { entries, config } = await withSyntaxCheck((checkSyntax) =>
      loadApplication({ directory, system: {}, checkSyntax })
    );
    const logs = new LogMemory(silentSink);
    const node = await Node.start({
      entries,
      config,
      directory,
      stateDir,
      workers: 1,
      inline: true,
      log: logs,
      ...this.settings,
    });
    this.#node = node;
    await node.launch();
    return {
      node,
      logs,
      version: "0.0.0-test",
      directory,
      startedAt: Date.now(),
      config: config.sections,
      stop: () => this.stopAsked = true,
    };
  }

  /** Starts a runtime that the command line can speak to. */
  async open(): Promise<void> {
    const target = await this.start();
    const socket = await openLocal(target, this.stateDir);
    this.#close = () => socket!.close();
  }

  async stop(): Promise<void> {
    await this.#close?.();
    await this.#node?.stop();
    this.#close = undefined;
    this.#node = undefined;
  }

  /** Runs a command in the application's folder. */
  async wippy(...args: string[]): Promise<Told> {
    const told = { status: 0, out: "", err: "" };
    told.status = await main(args, {
      out: (text) => told.out += text,
      err: (text) => told.err += text,
      input: () => Promise.resolve(""),
      directory: this.directory,
      system: {},
      terminal: false,
      colour: false,
    });
    return told;
  }

  /** The JSON that a command writes. */
  async json(...args: string[]): Promise<Record<string, unknown>> {
    const { status, out, err } = await this.wippy(...args, "--json");
    if (status !== 0) throw new Error(err);
    return JSON.parse(out) as Record<string, unknown>;
  }
}
