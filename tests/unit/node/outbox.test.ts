import { expect, test } from "bun:test";
import { Outbox } from "../../../src/node/outbox.ts";
import type { ToWorker } from "../../../src/worker/messages.ts";

function told(question: number): ToWorker {
  return { type: "count", question, hostId: "app:host" };
}

function outbox() {
  const posted: number[][] = [];
  const ends: (() => void)[] = [];
  const sent = new Outbox(
    (_, batch) =>
      posted.push(batch.map((message) => message.type === "count" ? message.question : -1)) > 0,
    (flush) => ends.push(flush),
  );
  const endTurn = () => ends.splice(0).forEach((flush) => flush());
  return { sent, posted, endTurn };
}

test("messages that are sent together go in one batch", async () => {
  const { sent, posted } = outbox();
  sent.send(0, told(1));
  sent.send(0, told(2));
  expect(posted).toEqual([]);
  await Promise.resolve();
  expect(posted).toEqual([[1, 2]]);
});

test("what may wait leaves in one batch at the end of the turn", async () => {
  const { sent, posted, endTurn } = outbox();
  sent.sendLater(0, told(1));
  await Promise.resolve();
  sent.sendLater(0, told(2));
  await Promise.resolve();
  expect(posted).toEqual([]);
  endTurn();
  expect(posted).toEqual([[1, 2]]);
  sent.sendLater(0, told(3));
  endTurn();
  expect(posted).toEqual([[1, 2], [3]]);
});

test("a message that does not wait takes those along that were sent before it, in their order", async () => {
  const { sent, posted, endTurn } = outbox();
  sent.sendLater(0, told(1));
  sent.send(0, told(2));
  await Promise.resolve();
  expect(posted).toEqual([[1, 2]]);
  endTurn();
  expect(posted).toEqual([[1, 2]]);
});
