/**
 * Kinds that exist only in a test: what the seam offers, used once each.
 * @module
 */

const definition = `import { required } from "../../registry/kind.ts";
import { defineKind } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";
import { defineService } from "../service.ts";

/** Calls a function when it starts. */
export const clock = defineService({
  name: "test.clock",
  references: [{ path: ["function"], bareName: true, kinds: ["function.lua"] }],
  schema: () =>
    z.object({
      function: required("function", 'add "function: NAME"'),
      label: z.string().default("one"),
      lifecycle: lifecycle(),
    }),
  load: () => import("./run.ts").then(({ runClock }) => runClock),
});

/** Uses a clock. */
export const clockUser = defineService({
  name: "test.clock_user",
  references: [{ path: ["clock"], bareName: false, kinds: ["test.clock"] }],
  schema: () =>
    z.object({ clock: required("clock", 'add "clock: ns:name"'), lifecycle: lifecycle() }),
  requires: ({ clock }) => [clock],
  load: () => import("./run.ts").then(({ runUser }) => runUser),
});

/** What clocks watch. */
export const tick = defineKind({ name: "test.tick", schema: () => z.object({}) });
`;

const run = `import type { ServiceContext } from "../context.ts";
import type { Service } from "../service.ts";
import { untilStopped } from "../service.ts";

console.log("the service is loaded");

export class Clock implements Service {
  ticks = 0;
  #end = Promise.withResolvers<void>();

  constructor(
    readonly context: ServiceContext,
    readonly data: { function: string; label: string; lifecycle: { security?: never } },
  ) {}

  async start() {
    const { context, data } = this;
    this.#end = Promise.withResolvers();
    const { units } = context;
    const frame = units.frame(data.lifecycle.security);
    const who = await units.call("app:" + data.function, ["who"], { frame });
    console.log("clock", data.label, "started as", who);
    context.watch(["test.tick"], () => {
      const found = [...context.entries.values()].filter(({ kind }) => kind === "test.tick");
      this.ticks = found.length;
      console.log("ticks", this.ticks);
    });
    return { ended: this.#end.promise };
  }

  stop() {
    console.log("clock", this.data.label, "stopped");
    this.#end.resolve();
    return Promise.resolve();
  }

  kill() {
    return this.stop();
  }

  inspect() {
    return { ticks: this.ticks };
  }

  figures() {
    return [{ name: "test_ticks", help: "Ticks", value: this.ticks, labels: { label: this.data.label } }];
  }
}

export function runClock(context: ServiceContext, data: Clock["data"]): Service {
  return new Clock(context, data);
}

export function runUser({ services, units }: ServiceContext, data: { clock: string }): Service {
  return untilStopped({
    async open() {
      console.log("user has", services.get(data.clock, Clock).data.label);
      const slow = (options: object) =>
        units.call("app:wait", [], options).catch(({ kind }) => console.log("slow call:", kind));
      await slow({ timeout: 5 });
      await slow({ signal: AbortSignal.abort() });
    },
    close: () => console.log("user stopped"),
  });
}
`;

const index = `version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: report, kind: function.lua, source: file://report.lua, method: main, modules: [security] }
  - { name: wait, kind: function.lua, source: file://wait.lua, method: main, modules: [time] }
  - name: clock
    kind: test.clock
    function: report
    lifecycle: { security: { actor: { id: "service:clock" } } }
  - { name: user, kind: test.clock_user, clock: "app:clock", lifecycle: { auto_start: true } }
`;

const drive = `import { loadApplication } from "./src/app/app.ts";
import { Node } from "./src/node/node.ts";

const directory = import.meta.dir + "/application";
const { entries, config, problems } = await loadApplication({ directory, system: {} });
if (problems.length > 0) throw new Error(JSON.stringify(problems));
async function start(some: typeof entries) {
  const log = { log: ({ level, message }: { level: string; message: string }) => {
    if (level === "error") console.log(message);
  } };
  const node = await Node.start({
    entries: some, config, directory, stateDir: directory + "/.wippy", workers: 1, inline: true, log,
  });
  await node.launch();
  return node;
}
await (await start(entries.filter(({ kind }) => !kind.startsWith("test.")))).stop();
console.log("without it");
const node = await start(entries);
const entry = entries.find(({ id }) => id === "app:clock")!;
await node.registry.apply([
  { kind: "entry.create", entry: { id: "app:tick", kind: "test.tick", meta: {}, data: {} } },
]);
console.log(JSON.stringify(await node.control.inspectService("app:clock")));
console.log(JSON.stringify(node.control.figures));
await node.registry.apply([
  { kind: "entry.update", entry: { ...entry, data: { ...entry.data, label: "two" } } },
]);
await node.stop();
`;

/** The files of the kinds, an application that uses them, and what the program `drive.ts` prints about it. */
export const kindsOfTest = {
  folder: {
    "src/services/clock/clock.ts": definition,
    "src/services/clock/run.ts": run,
  },
  application: {
    "drive.ts": drive,
    "application/wippy.lock": "directories: { src: ./src }\n",
    "application/src/_index.yaml": index,
    "application/src/report.lua":
      'local security = require("security") return { main = function() return security.actor():id() end }',
    "application/src/wait.lua":
      'local time = require("time") return { main = function() time.sleep("1h") end }',
  },
  expected: [
    "without it",
    "the service is loaded",
    "clock one started as service:clock",
    "user has one",
    "slow call: Timeout",
    "slow call: Canceled",
    "ticks 1",
    '{"ticks":1}',
    '[{"name":"test_ticks","help":"Ticks","value":1,"labels":{"label":"one"},"service":"app:clock"}]',
    "user stopped",
    "clock one stopped",
    "clock two started as service:clock",
    "user has two",
    "slow call: Timeout",
    "slow call: Canceled",
    "user stopped",
    "clock two stopped",
  ],
};
