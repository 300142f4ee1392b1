/** The guide's way from SQLite to Temporal, done as it says, with the program's own command line on both providers. */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { cleanAfterTest } from "../../cleanup.ts";
import { TemporalServer, withoutTemporal, withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";

const root = resolve(import.meta.dir, "../../..");
const guide = readFileSync(join(root, "docs/guide/temporal.md"), "utf8");

function blocks(language: string): string[] {
  return [...guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((
    [, text],
  ) => text!);
}

interface Index {
  version: string;
  namespace: string;
  entries: { name: string }[];
}

let server: TemporalServer;

beforeAll(async () => {
  if (withoutTemporal === undefined) server = await TemporalServer.start();
}, 60_000);

afterAll(async () => {
  await server?.stop();
});

/** An application of the guide's files that runs as a program. */
class Shop {
  readonly folder = mkdtempSync(join(tmpdir(), "wippy-shop-"));
  #runtime: Bun.Subprocess | undefined;

  constructor() {
    mkdirSync(join(this.folder, "src"));
    writeFileSync(join(this.folder, "wippy.lock"), "directories: { src: ./src }\n");
    for (const code of blocks("lua")) {
      const [, name] = /^-- (\S+)/.exec(code) ?? [];
      if (name !== undefined) writeFileSync(join(this.folder, "src", name), code);
    }
    cleanAfterTest(async () => {
      await this.stop();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  write(index: Index): void {
    writeFileSync(join(this.folder, "src/_index.yaml"), stringify(index));
  }

  async start(): Promise<void> {
    this.#runtime = this.#spawn("run");
    await until(() => this.wippy("status"), ({ status }) => status === 0);
  }

  async stop(): Promise<void> {
    this.#runtime?.kill();
    await this.#runtime?.exited;
  }

  #spawn(...args: string[]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    return Bun.spawn([process.execPath, join(root, "src/main.ts"), ...args], {
      cwd: this.folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  /** Runs a command of the command line. */
  async wippy(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const child = this.#spawn(...args);
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { status: await child.exited, out, err };
  }
}

/** What the guide does once the application runs. */
async function use(shop: Shop): Promise<void> {
  const started = await shop.wippy("workflow", "start", "shop:order", "1999", "--id", "order-7");
  expect(started).toMatchObject({ status: 0, err: "" });
  const shown = await until(
    () => shop.wippy("workflow", "show", "order-7"),
    ({ out }) => out.includes("completed"),
  );
  expect(shown.out).toContain("1999");
  const listed = await shop.wippy("workflow", "list");
  expect(listed.out).toContain("order-7");
  const history = await shop.wippy("workflow", "history", "order-7");
  expect(history).toMatchObject({ status: 0, err: "" });
  expect(history.out).toContain("ActivityScheduled");
  expect(history.out).toContain("TimerFired");
}

withTemporal("an application moves to a server by a change of one entry", async () => {
  const [before, change] = blocks("yaml").map((text) =>
    parse(text.replace("localhost:7233", server.address)) as Index
  );
  const shop = new Shop();
  shop.write(before!);
  await shop.start();
  await use(shop);
  const later = ["--id", "later", "--option", "workflow.start_delay=1h"];
  expect(await shop.wippy("workflow", "start", "shop:order", "5", ...later))
    .toMatchObject({ status: 0, err: "" });
  await shop.stop();

  const others = before!.entries.filter(({ name }) => name !== "durable");
  shop.write({ ...before!, entries: [...others, ...change!.entries] });
  await shop.start();
  await use(shop);
  expect(await server.command("workflow", "list")).toContain("order-7");
  expect((await shop.wippy("workflow", "show", "order-7")).out).toMatch(
    /page +http:\/\/localhost:8233\/namespaces\/default\/workflows\/order-7\/[-0-9a-f]+\/history\n/,
  );
  const services = await shop.wippy("ps", "--json");
  expect(services.out + (await shop.wippy("status")).out).toContain("shop:durable");

  const left = "the journal has open runs that nothing continues: 1; hint: move them with";
  expect((await shop.wippy("logs")).out).toContain(left);
  await shop.stop();
  expect((await shop.wippy("workflow", "migrate")).out).toStartWith(
    "moved       later  shop:order",
  );
  await shop.start();
  expect((await shop.wippy("logs")).out).not.toContain("the journal has open runs");
}, 120_000);
