import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workerOf } from "../../../src/node/pid.ts";
import { type Code, main, startApplication, type TestApplication } from "../application.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";

/** Whether a process is there that is not only waited for. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== "linux") return true;
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

/** Holds a program that starts another one and then writes the ids of both into a file. */
const holding = `local how, id = ...
  local exec = require("exec")
  local p = assert(assert(exec.get("app:shell")):exec(
    "sh -c '" .. (how == "stubborn" and "trap \\"\\" TERM; " or "") .. "sleep 1000 & echo $! > new." .. id .. "; echo $$ >> new." .. id .. "; mv new." .. id .. " pids." .. id .. "; wait; wait'"))
  assert(p:start())
  if how == "wait" or how == "stubborn" then p:wait() end
  if how == "read" then p:stdout_stream():read() end
  if how == "write" then while p:write_stdin(("x"):rep(65536)) do end end
  process.inbox():receive()
  if how == "fail" then error("x") end
  if how == "close" then p:close() end
  if how == "force" then p:close(true) end
  if how ~= "return" then process.inbox():receive() end`;

const modules = ["exec", "funcs", "time"];

interface Shell {
  application: TestApplication;
  /** Starts a process that holds a program. Returns its PID. */
  hold(how: string): Promise<string>;
  /** The ids of the processes of the programs: each a shell and what that started. */
  pids(count: number): Promise<number[]>;
}

async function startShell(
  functions: Record<string, Code> = {},
  { kill_after, ...options }: { workers?: number; threads?: boolean; kill_after?: string } = {},
): Promise<Shell> {
  const folder = mkdtempSync(join(tmpdir(), "wippy-exec-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true }));
  const application = await startApplication({
    entries: {
      shell: {
        kind: "exec.native",
        default_work_dir: folder,
        default_env: { PATH: "/usr/bin:/bin" },
        kill_after,
      },
    },
    processes: { holder: { source: main(holding), modules } },
    functions: {
      hold: main(`return process.spawn("app:holder", "app:processes", ...)`),
      tell: main(`return process.send(..., "go")`),
      terminate: main(`return process.terminate(...)`),
      cancel: main(`return process.cancel(..., "enough", { deadline = "100ms" })`),
      ...functions,
    },
  }, options);
  let last = 0;
  return {
    application,
    hold: async (how) => String(await application.call("hold", how, `${last += 1}`)),
    pids: async (count) => {
      const found = () => readdirSync(folder).filter((name) => name.startsWith("pids."));
      await until(() => found().length === count);
      return found().flatMap((name) =>
        readFileSync(join(folder, name), "utf8").trim().split("\n").map(Number)
      );
    },
  };
}

async function gone(pids: number[]): Promise<void> {
  expect(pids.length).toBeGreaterThan(0);
  await until(() => !pids.some(alive));
}

test.each(["return", "fail", "close", "force"])(
  "a program ends with what it started when its unit comes to: %s",
  async (how) => {
    const { application, hold, pids } = await startShell();
    const unit = await hold(how);
    const programs = await pids(1);
    expect(programs.map(alive)).toEqual([true, true]);
    await application.call("tell", unit);
    await gone(programs);
  },
);

test.each(["idle", "wait", "read", "write"])(
  "a program ends when its unit is terminated or cancelled while it does: %s",
  async (how) => {
    const { application, hold, pids } = await startShell();
    const units = [await hold(how), await hold(how)];
    const programs = await pids(2);
    expect(programs.filter(alive)).toHaveLength(4);
    await application.call("terminate", units[0]!);
    await application.call("cancel", units[1]!);
    await gone(programs);
  },
);

test("a program ends when the call that runs it is late", async () => {
  const { application, pids } = await startShell({
    slow: { source: main(holding), modules },
    late: main(`local executor = funcs.new():with_options({ timeout = "500ms" })
      local _, err = executor:call("app:slow", "wait", "late")
      return err:kind()`),
  });
  const called = application.call("late");
  const programs = await pids(1);
  expect(["Timeout", "Canceled"]).toContain(String(await called));
  await gone(programs);
});

test("a program ends when the worker of its unit dies", async () => {
  const { application, hold, pids } = await startShell({}, { workers: 2, threads: true });
  const unit = await hold("wait");
  const programs = await pids(1);
  application.node.killWorker(workerOf(unit)!);
  await gone(programs);
}, 20_000);

test("a program ends when the runtime stops", async () => {
  const { application, hold, pids } = await startShell();
  await hold("wait");
  const programs = await pids(1);
  await application.stop();
  await gone(programs);
});

test("a program that ignores SIGTERM is killed", async () => {
  const { application, hold, pids } = await startShell({}, { kill_after: "50ms" });
  const unit = await hold("stubborn");
  const programs = await pids(1);
  await application.call("terminate", unit);
  await gone(programs);
});

test("what a program leaves behind ends with it", async () => {
  const { application, pids } = await startShell({
    leave: {
      modules,
      source: main(`local p = assert(assert(require("exec").get("app:shell")):exec(
          "sh -c 'sleep 1000 & echo $! > new; mv new pids.left'"))
        p:start()
        return p:wait()`),
    },
  });
  expect(await application.call("leave")).toBe(0);
  await gone(await pids(1));
});
