import { expect, test } from "bun:test";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { main, startApplication } from "../application.ts";
import { until } from "../../until.ts";

const descriptors = "/proc/self/fd";

/** How many files of that name this process has open. */
function open(name: string): number {
  return readdirSync(descriptors).filter((descriptor) => {
    try {
      return readlinkSync(`${descriptors}/${descriptor}`).endsWith(`/${name}`);
    } catch {
      return false; // the descriptor of the listing itself
    }
  }).length;
}

const modules = ["fs", "funcs", "time"];
const holder = {
  source: main(`local parent, how = ...
    local file = assert(require("fs").get("app:files"):open("held", "w"))
    process.send(parent, "open", process.pid())
    process.inbox():receive()
    if how == "fail" then error("x") end
    if how == "wait" then time.sleep("1h") end`),
  modules,
};

// What a process has open is seen only where the system tells.
test.skipIf(!existsSync(descriptors))(
  "what a unit has open is closed when it ends, whatever way",
  async () => {
    const app = await startApplication({
      entries: { files: { kind: "fs.directory", directory: "./files", auto_init: true } },
      processes: {
        holder,
        keeper: main(`process.registry.register("keeper")
          process.send(..., "ready")
          local opened, events, held = process.listen("open"), process.events(), {}
          for i, how in ipairs({ "return", "fail", "wait" }) do
            held[i] = process.spawn_monitored("app:holder", "app:processes", process.pid(), how)
            opened:receive()
          end
          process.send(..., "open")
          process.listen("end"):receive()
          for _, pid in ipairs(held) do process.send(pid, "go") end
          events:receive()
          events:receive()
          process.terminate(held[3])
          events:receive()
          process.inbox():receive()`),
      },
      functions: {
        start: main(`local keeper = process.spawn("app:keeper", "app:processes", process.pid())
          process.listen("open"):receive()`),
        finish: main(`process.monitor("keeper")
          process.send("keeper", "end")
          process.send("keeper", "and itself")
          process.events():receive()`),
      },
    });
    await app.call("start");
    expect(open("held")).toBe(3);
    await app.call("finish");
    await until(() => open("held") === 0);
    expect(open("held")).toBe(0);
  },
);
