/** Runs leave a journal for another place, and are never open in both, whatever goes wrong on the way. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "../../../../src/vm/codec.ts";
import { WippyError } from "../../../../src/vm/error.ts";
import {
  type Destination,
  type MoveOptions,
  type MoveResult,
  moveRuns,
} from "../../../../src/workflows/moving/moving.ts";
import type { StartRequest } from "../../../../src/workflows/provider.ts";
import { journalOrigin, storageTools } from "../../../../src/workflows/providers/providers.ts";
import { SqliteProvider } from "../../../../src/workflows/providers/sqlite/sqlite.ts";
import { cleanAfterTest } from "../../../cleanup.ts";

/** A journal with runs that have not begun, as no worker was there. */
async function journal(...requests: Partial<StartRequest>[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "wippy-moving-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "journal.db");
  const provider = new SqliteProvider({ path, inline: true });
  await provider.open();
  for (const request of requests) {
    await provider.start({ entry: "app:order", hostId: "app:host", args: pack([7]), ...request });
  }
  await provider.close();
  return path;
}

/** A place in memory. */
class Server implements Destination {
  readonly name = "a server";
  readonly started: (StartRequest & { workflowId: string })[] = [];
  readonly #moved = new Map<string, string>();
  kept = Infinity;
  fault: ((record: () => void) => void) | undefined;

  retention(): Promise<number> {
    return Promise.resolve(this.kept);
  }

  find(workflowId: string, runId: string): Promise<"absent" | "moved" | "other"> {
    const known = this.#moved.get(workflowId);
    return Promise.resolve(known === undefined ? "absent" : known === runId ? "moved" : "other");
  }

  start(request: StartRequest & { workflowId: string }, movedFrom: string): Promise<string> {
    const record = () => {
      this.started.push(request);
      this.#moved.set(request.workflowId, movedFrom);
    };
    return Promise.try(() => {
      if (this.fault) this.fault(record);
      else record();
      return "new";
    });
  }

  takeId(workflowId: string): void {
    this.#moved.set(workflowId, "another run");
  }
}

async function move(
  path: string,
  server: Server,
  options: Partial<MoveOptions> = {},
): Promise<MoveResult[]> {
  const origin = await journalOrigin({ type: "sqlite", path }, options.dryRun !== true);
  const results: MoveResult[] = [];
  try {
    const moving = moveRuns(origin, server, {
      dryRun: false,
      restartTimers: false,
      hostFor: () => ({ hostId: "app:worker" }),
      now: Date.now,
      ...options,
    });
    for await (const result of moving) results.push(result);
  } finally {
    origin.end();
  }
  expect((await storageTools()).check(path).faults).toEqual([]);
  return results;
}

async function openRuns(path: string): Promise<string[]> {
  const origin = await journalOrigin({ type: "sqlite", path }, false);
  const open = origin.open().map(({ workflowId }) => workflowId);
  origin.end();
  return open;
}

test("a run that has not begun moves once, with all that it was started with", async () => {
  const message = { name: "note", payloads: pack(["a"]), sender: "{app:x|1}" };
  const path = await journal({
    workflowId: "one",
    memo: pack({ m: 1 }),
    searchAttributes: pack({ s: "x" }),
    messages: [message],
    options: { startDelay: 3_600_000, executionTimeout: 7_200_000, runTimeout: 60_000 },
  });
  const server = new Server();
  expect(await move(path, server, { dryRun: true })).toMatchObject([{ result: "movable" }]);
  expect(server.started).toEqual([]);
  expect(await openRuns(path)).toEqual(["one"]);
  expect(await move(path, server)).toMatchObject([
    { workflow_id: "one", entry: "app:order", result: "moved", new_run_id: "new" },
  ]);
  expect(await move(path, server)).toEqual([]);
  expect(await openRuns(path)).toEqual([]);
  const [request] = server.started;
  expect(server.started).toHaveLength(1);
  expect(request).toMatchObject({
    workflowId: "one",
    hostId: "app:worker",
    args: pack([7]),
    memo: pack({ m: 1 }),
    searchAttributes: pack({ s: "x" }),
    messages: [message],
    options: { runTimeout: 60_000 },
  });
  const { startDelay = 0, executionTimeout = 0 } = request?.options ?? {};
  expect(startDelay).toBeGreaterThan(3_500_000);
  expect(startDelay).toBeLessThanOrEqual(3_600_000);
  expect(executionTimeout).toBeLessThanOrEqual(7_200_000);
});

test("the journal says where a run went", async () => {
  const path = await journal({ workflowId: "one" });
  await move(path, new Server());
  const origin = await journalOrigin({ type: "sqlite", path }, false);
  const [closed] = origin.closedFor("moved to a server");
  origin.end();
  expect(closed).toMatchObject({ workflowId: "one", status: "terminated" });
});

test("a run that was closed and not started is started the next time", async () => {
  const path = await journal({ workflowId: "one", options: { startDelay: 3_600_000 } });
  const server = new Server();
  server.fault = () => {
    throw new WippyError("Unavailable", "no answer", { retryable: true });
  };
  expect(await move(path, server)).toMatchObject([
    { result: "unfinished", why: expect.stringContaining("run the command again") },
  ]);
  expect(await openRuns(path)).toEqual([]);
  server.fault = undefined;
  expect(await move(path, server)).toMatchObject([{ result: "moved" }]);
  expect(server.started).toHaveLength(1);
  expect(server.started[0]?.options?.startDelay).toBeGreaterThan(3_500_000);
});

test("a run whose start was recorded without an answer is not started twice", async () => {
  const path = await journal({ workflowId: "one" });
  const server = new Server();
  server.fault = (record) => {
    record();
    throw new WippyError("Timeout", "no answer", { retryable: true });
  };
  expect(await move(path, server)).toMatchObject([{ result: "unfinished" }]);
  server.fault = undefined;
  expect(await move(path, server)).toEqual([]);
  expect(server.started).toHaveLength(1);
});

test("a run that the server refuses goes on in the journal, with its messages", async () => {
  const messages = [{ name: "note", payloads: pack(["a"]), sender: "" }];
  const path = await journal({ workflowId: "one", messages });
  const server = new Server();
  server.fault = () => {
    throw new WippyError("Invalid", "no such attribute", { retryable: false });
  };
  expect(await move(path, server)).toMatchObject([
    { result: "stays", why: "the server refuses it: no such attribute" },
  ]);
  expect(await openRuns(path)).toEqual(["one"]);
  server.fault = undefined;
  expect(await move(path, server)).toMatchObject([{ result: "moved" }]);
  expect(server.started).toMatchObject([{ messages, args: pack([7]) }]);
});

test("a run stays whose id the server knows", async () => {
  const path = await journal({ workflowId: "one" });
  const server = new Server();
  server.takeId("one");
  expect(await move(path, server)).toMatchObject([
    { result: "stays", why: "the server has, or had, a workflow of its id" },
  ]);
  expect(await openRuns(path)).toEqual(["one"]);
});

test("what the server may have forgotten does not begin again", async () => {
  const path = await journal({ workflowId: "one" });
  await move(path, new Server());
  const forgetful = new Server();
  forgetful.kept = 1_000;
  expect(await move(path, forgetful, { now: () => Date.now() + 5_000 })).toEqual([]);
  expect(forgetful.started).toEqual([]);
});

test("a running runtime keeps its journal", async () => {
  const path = await journal({ workflowId: "one" });
  const provider = new SqliteProvider({ path, inline: true });
  await provider.open();
  cleanAfterTest(() => provider.close());
  const refused = await journalOrigin({ type: "sqlite", path }, true).catch((error) => error);
  expect(refused).toMatchObject({ kind: "Conflict" });
});
