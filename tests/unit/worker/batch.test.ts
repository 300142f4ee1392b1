import { expect, test } from "bun:test";
import { fromWorker, postBatch, toWorker } from "../../../src/worker/batch.ts";
import type { FromWorker, ToWorker } from "../../../src/worker/messages.ts";

const bytes = new Uint8Array([1, 2, 3]);

/** What arrives in the other thread. */
function posted(batch: (FromWorker | ToWorker)[]): unknown {
  let arrived: unknown;
  postBatch(batch, (data, transfer) => arrived = structuredClone(data, { transfer }));
  return arrived;
}

/** The same with plain byte arrays, whatever class holds them. */
function plain(messages: object[]): object[] {
  return messages.map((message) =>
    Object.fromEntries(
      Object.entries(message).map((
        [name, value],
      ) => [name, value instanceof Uint8Array ? [...value] : value]),
    )
  );
}

test("requests and answers for a worker travel as bytes", () => {
  const batch: ToWorker[] = [
    { type: "request", origin: -1, ticket: 2 ** 40, op: "send", args: bytes },
    { type: "answer", ticket: 3, values: new Uint8Array() },
  ];
  const data = posted(batch);
  expect(data).toBeInstanceOf(Uint8Array);
  expect(plain(toWorker(data as Uint8Array))).toEqual(plain(batch));
});

test("requests and answers of a worker travel as bytes", () => {
  const batch: FromWorker[] = [
    { type: "answer", to: -1, ticket: 1, values: bytes },
    { type: "request", to: 5, ticket: 0, op: "spawn", args: bytes },
  ];
  const data = posted(batch);
  expect(data).toBeInstanceOf(Uint8Array);
  expect(plain(fromWorker(data as Uint8Array))).toEqual(plain(batch));
});

test("a batch with another message is cloned", () => {
  const batch: FromWorker[] = [{ type: "crowded" }, {
    type: "answer",
    to: 1,
    ticket: 1,
    values: bytes,
  }];
  const data = posted(batch);
  expect(fromWorker(data as FromWorker[])).toEqual(batch);
});
