/** Which messages of a worker's units go straight to a provider, and how they are completed. */
import { expect, test } from "bun:test";
import { unpack } from "../../../src/vm/codec.ts";
import { PackedList } from "../../../src/vm/value.ts";
import type { Vm } from "../../../src/vm/vm.ts";
import type { Kernel } from "../../../src/worker/kernel.ts";
import { NODE } from "../../../src/worker/messages.ts";
import { Signals } from "../../../src/worker/signals.ts";
import { maxRecordSize } from "../../../src/workflows/history/limits.ts";
import { packSignal } from "../../../src/workflows/history/signals.ts";
import { TaskQueue } from "../../../src/workflows/tasks/queue.ts";
import type { WorkerAnswer } from "../../../src/workflows/tasks/tasks.ts";

/** Signals with a kernel that notes what it completes, and a queue that notes what it is given. */
function place() {
  const completed: [ticket: unknown, values: unknown][] = [];
  const kernel: Kernel = {
    call(name, ...given) {
      if (name === "complete_all") {
        for (const ticket of given[0] as number[]) completed.push([ticket, [true]]);
        return [];
      }
      expect(name).toBe("arrived");
      const values = given.slice(1);
      for (let at = 0; at < values.length; at += 4) {
        completed.push([values[at + 1], unpack((values[at + 3] as PackedList).bytes)]);
      }
      return [];
    },
  };
  const sent: WorkerAnswer[] = [];
  class Queue extends TaskQueue {
    override answer(answer: WorkerAnswer): void {
      sent.push(answer);
    }
  }
  const port = { postMessage() {}, onmessage: null, close() {} };
  const queue = new Queue(port, () => () => {});
  const signals = new Signals(kernel);
  const send = (ticket: number, pid: unknown, topic: unknown = "pay", bytes = 3, to = NODE) => {
    const stack = [pid, topic, "{app:p|0x1}", 1];
    const vm = {
      read: (_L: number, at: number) => stack[at - 5],
      packList: () => new Uint8Array(bytes),
    } as unknown as Vm;
    return signals.send(vm, 0, to, ticket);
  };
  return { signals, queue, sent, completed, send };
}

test("only messages to runs of an attached host go straight", () => {
  const { signals, queue, sent, send } = place();
  expect(send(1, "{app:runs|w}")).toBe(false);
  signals.attach("app:runs", queue);
  expect(send(1, "{app:runs|w}")).toBe(true);
  expect(sent).toEqual([{
    type: "signal",
    signal: {
      ticket: 1,
      workflowId: "w",
      data: packSignal({ name: "pay", payloads: new Uint8Array(3), sender: "{app:p|0x1}" }),
    },
  }]);
  expect(send(2, "{app:other|w}")).toBe(false);
  expect(send(2, "no PID")).toBe(false);
  expect(send(2, "{app:runs|w}", new Uint8Array([255]))).toBe(false);
  expect(send(2, "{app:runs|w}", "pay", maxRecordSize + 1)).toBe(false);
  expect(send(0, "{app:runs|w}")).toBe(false);
  expect(send(2, "{app:runs|w}", "pay", 3, 1)).toBe(false);
  expect(sent.length).toBe(1);
});

test("tickets are completed with true, or with why the signal was refused", () => {
  const { signals, queue, completed, send } = place();
  signals.attach("app:runs", queue);
  for (const ticket of [1, 2, 3]) send(ticket, "{app:runs|w}");
  signals.answered(queue, { type: "signaled", tickets: [1, 3] });
  expect(completed).toEqual([[1, [true]], [3, [true]]]);
  const failure = { kind: "NotFound" as const, message: "there is no workflow w" };
  signals.answered(queue, { type: "signaled", tickets: [2], failure });
  expect(completed[2]).toEqual([2, [undefined, expect.objectContaining({ kind: "NotFound" })]]);
});

test("signals on their way fail when the provider closes, and later ones go to the node", () => {
  const { signals, queue, completed, send } = place();
  const closed = signals.attach("app:runs", queue);
  send(1, "{app:runs|w}");
  send(2, "{app:runs|w}");
  signals.answered(queue, { type: "signaled", tickets: [1] });
  closed();
  expect(completed.slice(1)).toEqual([
    [2, [undefined, expect.objectContaining({ kind: "Unavailable" })]],
  ]);
  expect(completed.length).toBe(2);
  expect(send(3, "{app:runs|w}")).toBe(false);
});

test("the end of a provider does not end the one that has taken its place", () => {
  const { signals, queue, completed, send } = place();
  const other = place().queue;
  const closed = signals.attach("app:runs", other);
  send(1, "{app:runs|w}");
  send(2, "{app:runs|w}");
  signals.attach("app:runs", queue);
  signals.answered(other, { type: "signaled", tickets: [1] });
  closed();
  expect(completed.map(([ticket]) => ticket)).toEqual([1, 2]);
  expect(send(3, "{app:runs|w}")).toBe(true);
});
