import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { LuaValue } from "../../../src/vm/value.ts";
import { type Code, startApplication, type TestApplication } from "../application.ts";
import { until } from "../../until.ts";
import { Daemon } from "./daemon.ts";

function unit(body: string): Code {
  return {
    modules: ["exec", "time"],
    source: `local exec, time = require("exec"), require("time")
      local function told(err) return err and err:kind() .. ": " .. err:message() end
      local function all(stream)
        local parts = {}
        for part in function() return (assert(stream):read()) end do parts[#parts + 1] = part end
        return table.concat(parts)
      end
      local function main(...)
        local box = assert(exec.get("app:box"))
        ${body}
      end
      return { main = main }`,
  };
}

async function start(
  daemon: { path: string },
  body: string,
  box: Record<string, unknown> = {},
): Promise<TestApplication> {
  const entry = { kind: "exec.docker", image: "debian:12", host: `unix://${daemon.path}`, ...box };
  return await startApplication({ entries: { box: entry }, functions: { main: unit(body) } });
}

async function run(
  daemon: { path: string },
  body: string,
  box?: Record<string, unknown>,
): Promise<LuaValue> {
  return await (await start(daemon, body, box)).call("main");
}

test("a program in a container has its input, its outputs and its exit code", async () => {
  const daemon = await Daemon.start();
  expect(
    await run(
      daemon,
      `local p = assert(box:exec("/bin/sh -c 'cat; echo $A$B; echo no >&2; exit 3'", { env = { B = "2" } }))
       assert(p:start())
       local out, err = p:stdout_stream(), p:stderr_stream()
       assert(p:write_stdin("a\\0\\n"))
       assert(p:write_stdin(""))
       return { all(out), all(err), p:wait() }`,
      { default_env: { A: "1", B: "1" } },
    ),
  ).toEqual(["a\0\n12\n", "no\n", 3]);
  expect(daemon.requests).toEqual([
    "POST /containers/create",
    "POST /containers/attach?stream=1&stdin=1&stdout=1&stderr=1",
    "POST /containers/wait?condition=next-exit",
    "POST /containers/start",
  ]);
});

test("every field of the entry is told to the daemon", async () => {
  const daemon = await Daemon.start();
  await run(daemon, `local p = box:exec("/bin/true 'a b'"); p:start(); return p:wait()`, {
    default_work_dir: "/srv",
    default_env: { A: "1" },
    network_mode: "none",
    volumes: ["/data:/data:ro", "cache:/cache"],
    user: "1000:1000",
    memory_limit: 1 << 26,
    cpu_quota: 50_000,
    auto_remove: true,
    read_only_rootfs: true,
    no_new_privileges: true,
    cap_drop: ["ALL"],
    cap_add: ["NET_BIND_SERVICE"],
    pids_limit: 64,
    tmpfs: { "/tmp": "rw,size=64m" },
  });
  expect(daemon.containers.get("c0")!.body).toEqual({
    Image: "debian:12",
    Cmd: ["/bin/true", "a b"],
    Env: ["A=1"],
    WorkingDir: "/srv",
    User: "1000:1000",
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    HostConfig: {
      NetworkMode: "none",
      Binds: ["/data:/data:ro", "cache:/cache"],
      Memory: 67108864,
      CpuPeriod: 100000,
      CpuQuota: 50000,
      AutoRemove: true,
      ReadonlyRootfs: true,
      SecurityOpt: ["no-new-privileges"],
      CapDrop: ["ALL"],
      CapAdd: ["NET_BIND_SERVICE"],
      PidsLimit: 64,
      Tmpfs: { "/tmp": "rw,size=64m" },
    },
  });
});

test("without its fields a container has Docker's defaults", async () => {
  const daemon = await Daemon.start();
  await run(daemon, `local p = box:exec("/bin/true"); p:start(); return p:wait()`);
  const { HostConfig: host, WorkingDir, User } = daemon.containers.get("c0")!.body;
  expect({ host, WorkingDir, User }).toEqual({
    host: {
      Binds: [],
      Memory: 0,
      CpuPeriod: 0,
      CpuQuota: 0,
      AutoRemove: false,
      ReadonlyRootfs: false,
      SecurityOpt: [],
      CapDrop: [],
      CapAdd: [],
      Tmpfs: {},
    },
    WorkingDir: undefined,
    User: undefined,
  });
});

test("megabytes go both ways, and a fast container waits for its reader", async () => {
  const daemon = await Daemon.start();
  expect(
    await run(
      daemon,
      `local p = assert(box:exec("/bin/cat"))
       p:start()
       local out = p:stdout_stream()
       local block = ("0123456789abcdef"):rep(8192)
       coroutine.spawn(function()
         for i = 1, 30 do p:write_stdin(block) end
         p:write_stdin("")
       end)
       local size, whole = 0, true
       while true do
         local data = out:read(65536)
         if not data then break end
         local from = size % 16
         whole = whole and data == block:sub(from + 1, from + #data)
         size = size + #data
       end
       return { size, whole, p:wait() }`,
    ),
  ).toEqual([30 * 131072, true, 0]);
}, 20_000);

test("a signal reaches the container, and its outputs come only after its start", async () => {
  const daemon = await Daemon.start();
  expect(
    await run(
      daemon,
      `local p = box:exec("/bin/sleep 100")
       local _, early = p:stdout_stream()
       p:start()
       p:signal(9)
       return { told(early), p:wait() }`,
    ),
  ).toEqual(["Invalid: the program is not started", 137]);
  expect(daemon.requests.at(-1)).toBe("POST /containers/kill?signal=9");
});

test("a container ends when its unit does", async () => {
  const daemon = await Daemon.start();
  await run(daemon, `local p = box:exec("/bin/sleep 100"); assert(p:start()); return 1`);
  expect(daemon.containers.size).toBe(1);
  await until(() => daemon.running === 0);
  expect(daemon.requests.at(-1)).toBe("POST /containers/kill?signal=15");
});

test.each([
  [
    "POST /containers/create",
    404,
    "No such image: debian:12",
    "Internal: docker: create container: No such image: debian:12; images are not pulled",
  ],
  [
    "POST /containers/attach",
    409,
    "busy",
    "Internal: docker: attach to container: busy",
  ],
  [
    "POST /containers/start",
    500,
    "no such network",
    "Internal: docker: start container: no such network",
  ],
])(
  "when the daemon refuses %s, the program does not start",
  async (request, status, says, told) => {
    const daemon = await Daemon.start();
    daemon.refuse.set(request, [status, says]);
    const application = await start(
      daemon,
      `local p = box:exec("/bin/true")
     local _, err = p:start()
     return { told(err), err:details().status, told(select(2, p:wait())) }`,
    );
    expect(await application.call("main")).toEqual([
      told,
      status,
      "Invalid: the program could not be started",
    ]);
    if (request !== "POST /containers/create") {
      expect(daemon.requests.at(-1)).toStartWith("DELETE /containers/");
    }
  },
);

test("without a daemon a program does not start", async () => {
  const told = await run(
    { path: "/missing/docker.sock" },
    `
    local _, err = box:exec("/bin/true"):start()
    return { err:kind(), err:retryable(), err:message() }`,
  );
  const message = "docker: create container: no daemon listens at /missing/docker.sock";
  expect(told).toEqual(["Unavailable", true, message]);
});

test.each([
  [{ image: undefined }, /image is required/],
  [{ host: "ssh://box" }, /host ssh:\/\/box: use unix:/],
  [{ volumes: ["/data"] }, /a volume is written host:container/],
  [{ memory_limit: -1 }, /memory_limit/],
  [{ cap_add: "ALL" }, /cap_add/],
  [{ tmpfs: ["/tmp"] }, /tmpfs/],
])("an entry with %j is refused", async (fields, message) => {
  const failed = await start({ path: "/x" }, "", fields).then(() => undefined, (e: Error) => e);
  expect(failed?.message).toMatch(message);
});

const socket = "/var/run/docker.sock";
test.skipIf(!existsSync(socket))(
  "a real daemon runs a container (skipped without /var/run/docker.sock; needs the image debian:12)",
  async () => {
    expect(
      await run(
        { path: socket },
        `
        local p = assert(box:exec("sh -c 'cat; exit 4'"))
        assert(p:start())
        local out = p:stdout_stream()
        p:write_stdin("hello")
        p:write_stdin("")
        return { all(out), p:wait() }`,
        { auto_remove: true },
      ),
    ).toEqual(["hello", 4]);
  },
);
