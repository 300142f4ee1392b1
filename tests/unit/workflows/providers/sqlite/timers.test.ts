/** A run that ends leaves no timer, whatever became of those that it had. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Runtime, settle, VirtualMachine } from "../../../../conformance/runtime.ts";
import type { Script } from "../../../../conformance/scripted-engine.ts";
import { SqlitePlace } from "../../../../conformance/sqlite-place.ts";

let place: SqlitePlace;
let machine: VirtualMachine;
let runtime: Runtime;

beforeEach(() => {
  place = new SqlitePlace({});
  machine = new VirtualMachine();
});

afterEach(async () => {
  await runtime.provider.close();
  expect(place.faults()).toEqual([]);
  place.remove();
});

const scripts: Record<string, Script> = {
  "app:none": () => "done",
  "app:fired": function* (run) {
    yield run.sleep(1_000);
    yield run.sleep(1_000);
    return "done";
  },
  "app:canceled": function* (run) {
    const long = run.sleep(100_000);
    yield run.sleep(1_000);
    run.cancelTimer(long.seq);
    return "done";
  },
  "app:pending": function* (run) {
    run.sleep(100_000);
    run.sleep(200_000);
    yield run.sleep(1_000);
    return "done";
  },
};

function timers(): number {
  const database = new Database(place.path, { readonly: true });
  try {
    return database.query<{ n: number }, []>("SELECT count(*) AS n FROM timers").get()!.n;
  } finally {
    database.close();
  }
}

async function startAll(): Promise<void> {
  for (const entry of Object.keys(scripts)) {
    await runtime.start(entry, [], { workflowId: entry });
    const options = { runTimeout: 1_000_000 };
    await runtime.start(entry, [], { workflowId: `${entry} limited`, options });
  }
  await settle();
}

async function endAll(): Promise<void> {
  await machine.advance(1_000);
  await machine.advance(1_000);
  for (const entry of Object.keys(scripts)) {
    expect(await runtime.result(entry)).toBe("done");
    expect(await runtime.result(`${entry} limited`)).toBe("done");
  }
}

test("in the runtime that has set them", async () => {
  runtime = await Runtime.open({ place, machine, scripts });
  await startAll();
  expect(timers()).toBeGreaterThan(8);
  await endAll();
  expect(timers()).toBe(0);
});

test("in a later runtime, which does not know them", async () => {
  runtime = await Runtime.open({ place, machine, scripts });
  await startAll();
  await runtime.provider.close();
  runtime = await Runtime.open({ place, machine, scripts });
  await endAll();
  expect(timers()).toBe(0);
});
