/** `wippy workflow replay` with histories of a Temporal server, and with files that its command line has exported. */
import { afterAll, beforeAll, expect } from "bun:test";
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

async function replay(directory: string, ...args: string[]) {
  let [out, err] = ["", ""];
  const status = await main(["workflow", "replay", ...args], {
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

withTemporal("code is checked against histories of a server and exported ones", async () => {
  const application = await startApplication({
    functions: {
      double: `return { main = function(n) return n * 2 end }`,
      run: {
        modules: ["process"],
        source: `return { main = function()
          local options = { ["workflow.id"] = "order-7" }
          local pid = assert(process.with_options(options):spawn_monitored("app:order", "app:worker", 2.0))
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
        task_queue: "replayed",
        lifecycle: { auto_start: true },
      },
      order: { ...entry, source: workflow("") },
    },
  });
  await application.call("run");
  const same = onDisk(workflow(""));
  const other = onDisk(workflow(`time.sleep("1s")`));
  const files = await Promise.all(
    [["short"], ["whole", "--no-json-shorthand-payloads"]].map(async ([name, ...flags]) => {
      const show = ["workflow", "show", "--workflow-id", "order-7", "--output", "json"];
      const file = join(same, `${name}.json`);
      writeFileSync(file, await server.command(...show, ...flags));
      return file;
    }),
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
