/** `wippy workflow replay` and `diff` with histories of a Temporal server, and with files that its command line has exported. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { main } from "../../../src/cli/cli.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { TemporalServer, withoutTemporal, withTemporal } from "../../temporal-server.ts";
import { startApplication } from "../application.ts";

let server: TemporalServer;

beforeAll(async () => {
  if (withoutTemporal === undefined) server = await TemporalServer.start();
}, 60_000);

afterAll(async () => {
  await server?.stop();
});

const workflow = (first: string) => `
  local function main(n)
    ${first}
    time.sleep("10ms")
    return (funcs.call("app:double", n))
  end
  return { main = main }`;

const entry = { name: "order", kind: "workflow.lua", method: "main", modules: ["funcs", "time"] };

/** An application on disk whose workflow has this code. */
function onDisk(source: string): string {
  const directory = mkdtempSync(join(tmpdir(), "wippy-replay-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, "src"));
  writeFileSync(join(directory, "wippy.lock"), "directories: { src: ./src }\n");
  writeFileSync(join(directory, "src/order.lua"), source);
  writeFileSync(
    join(directory, "src/_index.yaml"),
    stringify({
      version: "1.0",
      namespace: "app",
      entries: [{ ...entry, source: "file://order.lua" }],
    }),
  );
  return directory;
}

function replay(directory: string, ...args: string[]) {
  return run(directory, "replay", ...args);
}

async function run(directory: string, ...args: string[]) {
  let [out, err] = ["", ""];
  const status = await main(["workflow", ...args], {
    out: (text) => out += text,
    err: (text) => err += text,
    input: () => Promise.resolve(""),
    directory,
    system: {},
    terminal: false,
    colour: false,
  });
  return { status, out, err };
}

/** An application that runs `app:order` on the server: `run(id, n)`, which waits for its result. */
function startOrders(taskQueue: string) {
  return startApplication({
    functions: {
      double: `return { main = function(n) return n * 2 end }`,
      run: {
        modules: ["process"],
        source: `return { main = function(id, n)
          local options = { ["workflow.id"] = id }
          local pid = assert(process.with_options(options):spawn_monitored("app:order", "app:worker", n))
          return process.events():receive().result.value
        end }`,
      },
    },
    entries: {
      temporal: {
        kind: "temporal.client",
        address: server.address,
        lifecycle: { auto_start: true },
      },
      worker: {
        kind: "temporal.worker",
        client: "app:temporal",
        task_queue: taskQueue,
        lifecycle: { auto_start: true },
      },
      order: { ...entry, source: workflow("") },
    },
  });
}

/** A file with a run's history, as Temporal's command line writes it. */
async function exported(directory: string, id: string, name: string, ...flags: string[]) {
  const show = ["workflow", "show", "--workflow-id", id, "--output", "json"];
  const file = join(directory, `${name}.json`);
  writeFileSync(file, await server.command(...show, ...flags));
  return file;
}

withTemporal("code is checked against histories of a server and exported ones", async () => {
  const application = await startOrders("replayed");
  await application.call("run", "order-7", 2.5);
  const same = onDisk(workflow(""));
  const other = onDisk(workflow(`time.sleep("1s")`));
  const files = await Promise.all(
    [["short"], ["whole", "--no-json-shorthand-payloads"]].map(([name, ...flags]) =>
      exported(same, "order-7", name!, ...flags)
    ),
  );
  for (
    const what of [["order-7", "--temporal", server.address], [
      "--all",
      "--temporal",
      server.address,
    ], files]
  ) {
    const fits = await replay(same, ...what);
    expect(fits).toMatchObject({ status: 0, err: "" });
    expect(fits.out).toContain("app:order");
    const differs = await replay(other, ...what);
    expect(differs.status).toBe(1);
    expect(differs.out).toContain("at app:order:");
  }
  const unknown = await replay(same, "order-8", "--temporal", server.address);
  expect(unknown).toMatchObject({ status: 1, err: expect.stringContaining("not found") });
}, 60_000);

withTemporal("runs of a server are compared with each other and with exported ones", async () => {
  const application = await startOrders("compared");
  await application.call("run", "order-8", 2.5);
  await application.call("run", "order-9", 2.5);
  await application.call("run", "order-10", 4.5);
  const directory = onDisk(workflow(""));
  const file = await exported(directory, "order-10", "ten");
  const here = ["--temporal", server.address];
  const equal = await run(directory, "diff", "order-8", "order-9", ...here);
  expect(equal).toMatchObject({ status: 0, err: "" });
  expect(equal.out).toContain("The runs are equal");
  for (const other of ["order-10", file]) {
    const { status, out, err } = await run(directory, "diff", "order-8", other, "--json", ...here);
    expect({ status, err }).toEqual({ status: 1, err: "" });
    const { a, b, differences } = JSON.parse(out);
    expect(a).toMatchObject({ workflow_id: "order-8", status: "completed", repeated: true });
    expect(b).toMatchObject({ workflow_id: "order-10", status: "completed", repeated: true });
    expect(differences[0]).toMatchObject({
      stream: "given",
      kind: "values",
      a: { code: { file: "src/order.lua", line: 4 } },
      b: { code: { file: "src/order.lua", line: 4 } },
      locals: [{ name: "n", a: "2.5", b: "4.5" }],
    });
  }
  const unknown = await run(directory, "diff", "order-8", "order-11", ...here);
  expect(unknown).toMatchObject({ status: 2, err: expect.stringContaining("not found") });
  const [{ execution }] = JSON.parse(
    await server.command("workflow", "list", "--query", "WorkflowId = 'order-10'", "-o", "json"),
  );
  const named = await run(
    directory,
    ...["diff", "order-10", "order-10", "--run-a", execution.runId, ...here],
  );
  expect(named).toMatchObject({ status: 0, err: "" });
}, 60_000);

test("a namespace alone names no server", async () => {
  const directory = onDisk(workflow(""));
  for (const command of [["diff", "a", "b"], ["replay", "a"]]) {
    const { status, err } = await run(directory, ...command, "--namespace", "other");
    expect(status).toBe(1);
    expect(err).toContain("add --temporal ADDRESS");
  }
});
