/**
 * A runtime that is killed again and again while its runs go on, and now and then the server under it: every run ends,
 * with every effect, and with what was recorded. `WIPPY_TEMPORAL_KILLS=100` is the long form, of a thousand runs.
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WippyError } from "../../../src/vm/error.ts";
import { pack, unpack } from "../../../src/vm/codec.ts";
import { connect } from "../../../src/workflows/providers/temporal/connection/connection.ts";
import { PayloadConverter } from "../../../src/workflows/providers/temporal/payloads/payloads.ts";
import { TemporalProvider } from "../../../src/workflows/providers/temporal/temporal.ts";
import type { RunClosed } from "../../../src/workflows/provider.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { TemporalServer, withoutTemporal, withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { messagesOf, steps } from "./killed-scripts.ts";

const kills = Number(process.env["WIPPY_TEMPORAL_KILLS"] ?? 3);
/** Runs that are started in the time of each runtime. */
const runsOfKill = 10;
const runs = runsOfKill * kills;
/** Every so many kills of the runtime, the server is killed, too. */
const serverEvery = 5;
const serverKills = Math.ceil((kills - 2) / serverEvery);
const taskQueue = "killed";
/** Milliseconds for which nothing may happen on a busy machine. */
const patience = 180_000;

let server: TemporalServer;
const folder = mkdtempSync(join(tmpdir(), "wippy-kills-"));
const effects = join(folder, "effects");

beforeAll(async () => {
  if (withoutTemporal === undefined) server = await TemporalServer.start({ durable: true });
}, 60_000);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function runtime(): Promise<Bun.Subprocess<"ignore", "pipe", "inherit">> {
  const program = join(import.meta.dir, "runtime-process.ts");
  const child = Bun.spawn(
    [process.execPath, program, server.address, taskQueue, effects],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  cleanAfterTest(() => child.kill("SIGKILL"));
  for await (const chunk of child.stdout) {
    if (String.fromCharCode(...chunk).includes("ready")) break;
  }
  return child;
}

/** Asks again when a server on a busy machine has not answered in time. */
async function insist<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (WippyError.from(error).kind !== "Timeout") throw error;
    }
  }
}

const name = `a runtime that is killed ${
  kills + 1
} times, and its server ${serverKills} times, lose nothing`;

withTemporal(name, async () => {
  writeFileSync(effects, "");
  const client = new TemporalProvider({
    connect: () => connect({ address: server.address, namespace: "default" }),
    conversion: new PayloadConverter(),
    hosts: [{ hostId: "app:workflows", taskQueue }],
  });
  await client.open();
  const ends: Promise<RunClosed>[] = [];
  /** Starts more runs. */
  const begin = async (count: number) => {
    for (const from = ends.length; ends.length < from + count;) {
      const id = ends.length;
      const { workflowId } = await insist(() =>
        client.start({
          entry: "app:killed",
          hostId: "app:workflows",
          workflowId: `killed-${id}`,
          args: pack([id]),
          options: { taskTimeout: 1_500 },
        })
      );
      ends.push(new Promise((resolve) => void client.watch(workflowId, resolve)));
    }
  };
  const written = (messages: boolean) =>
    readFileSync(effects, "utf8").split("\n").filter(Boolean)
      .filter((line) => line.startsWith("sent ") === messages);
  const done = () => written(false);
  for (let kill = 0; kill < kills; kill++) {
    const child = await runtime();
    await begin(runsOfKill);
    // In the middle of its work: after some more effects.
    const more = async (count: number) => {
      const before = done().length;
      const all = new Set(done().map((line) => line.replace(/\.\d+$/, ""))).size;
      if (all === ends.length * steps) return;
      await until(() => done().length > before + count, Boolean, patience);
    };
    await more(kill % 5);
    if (kill % serverEvery === 2) {
      await server.kill();
      await server.run();
      await more(kill % 5);
    }
    child.kill("SIGKILL");
    await child.exited;
  }
  let last = await runtime();
  for (let id = 0; id < runs; id++) {
    const signal = { name: "go", payloads: pack([id]), sender: "" };
    await insist(() => client.signal(`killed-${id}`, signal));
  }
  const finals = () => new Set(written(true).filter((line) => line.endsWith(".end"))).size;
  // The runs end now, and send in the task that ends them.
  await until(() => finals() > 0, Boolean, patience);
  last.kill("SIGKILL");
  await last.exited;
  last = await runtime();
  const closed = await Promise.all(ends);
  // The last of them may leave when others know of the end.
  await until(() => finals() === runs, Boolean, patience);
  last.kill("SIGKILL");
  const sent = [...new Set(written(true))];
  const lines = done();
  for (const [id, { status, value, failure }] of closed.entries()) {
    expect([status, failure]).toEqual(["completed", undefined]);
    const [seen, signal] = unpack(value!) as [[number, string][], number];
    expect(signal).toBe(id);
    expect(seen).toHaveLength(steps);
    const own = sent.filter((line) => line.startsWith(`sent ${id}.`));
    expect(own).toEqual(messagesOf(id, seen.map(([drawn]) => drawn)));
    for (const [step, [drawn, effect]] of seen.entries()) {
      expect(effect).toBe(`${id}.${step}.${drawn}`);
      // The effect was done with the value that was recorded: no other one was ever drawn and used.
      const ofStep = new Set(lines.filter((line) => line.startsWith(`${id}.${step}.`)));
      expect([...ofStep]).toEqual([effect]);
    }
  }
  // At most the attempts that ran at a kill were made twice.
  const repeated = lines.length - runs * steps;
  expect(repeated).toBeLessThanOrEqual((kills + serverKills) * 20);
  console.log(
    `${
      kills + 1
    } kills, ${serverKills} of the server, ${runs} runs, ${lines.length} effects, ${repeated} of them twice; ${
      written(true).length
    } messages, ${written(true).length - sent.length} of them twice`,
  );
  await client.close();
}, 60_000 + kills * 20_000);
