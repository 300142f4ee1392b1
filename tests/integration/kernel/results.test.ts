import { expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

/** Calls that succeed with a value, or `true`, and then a nil in the place of the error. */
const calls = [
  "process.send(process.pid(), 'topic', 1)",
  "process.send(process.pid(), 'topic', {}, 2)",
  "process.monitor(idle())",
  "process.unmonitor(idle())",
  "process.link(idle())",
  "process.unlink(idle())",
  "process.cancel(idle(), 'why')",
  "process.terminate(idle())",
  "events.subscribe('system')",
  "events.send('system', 'kind', 'path')",
  "funcs.async('app:nothing')",
  "funcs.new():async('app:nothing')",
  "funcs.new():call('app:nothing')",
  "env.get_all()",
  "system.modules()",
  "payload.new(1):transcode(payload.format.JSON)",
  "payload.new('x'):transcode(payload.format.STRING)",
  "registry.find({})",
  "registry.snapshot()",
  "registry.snapshot():entries()",
  "registry.current_version()",
  "registry.versions()",
  "registry.history()",
  "registry.build_delta({}, {})",
  "registry.snapshot():changes():create({ id = 'app:x', kind = 'registry.entry' }):apply()",
];

test("a call that succeeds has a nil in the place of its error", async () => {
  const app = await startApplication({
    processes: { idle: main("process.inbox():receive()") },
    functions: {
      nothing: "return function() end",
      run: {
        modules: ["events", "funcs", "registry", "env", "system"],
        source: `return function()
          process.set_options({ trap_links = true })
          local function idle() return (assert(process.spawn("app:idle", "app:processes"))) end
          local found = {}
          ${calls.map((call, at) => `found[${at + 1}] = select("#", ${call})`).join("\n")}
          return found
        end`,
      },
    },
  });
  const found = await app.call("run") as number[];
  expect(calls.map((call, at) => [call, found[at]])).toEqual(calls.map((call) => [call, 2]));
  await app.stop();
});
