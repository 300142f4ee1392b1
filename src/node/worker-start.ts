import type { Simulation } from "../platform/simulation.ts";
import { pack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import { asLua } from "../vm/value.ts";
import { fromWorker, postBatch } from "../worker/batch.ts";
import type { FromWorker, ToWorker } from "../worker/messages.ts";
import type { ThreadStart } from "../worker/thread.ts";
import { workerThread } from "./worker-thread.ts";

/** Milliseconds that a thread has to close what it has open. */
const endTime = 50;

/** A started worker, whatever thread it is in. */
export interface RunningWorker {
  post(messages: ToWorker[]): void;
  close(): void;
}

/**
 * Starts a worker in a thread of its own.
 *
 * @param failed told when the thread ends with an error, also later; returns the error of a start that fails so
 * @throws WippyError when it does not start
 */
export function startThread(
  start: ThreadStart,
  receive: (messages: FromWorker[]) => void,
  failed: (message: string) => WippyError,
): Promise<RunningWorker> {
  const thread = workerThread.take();
  const { promise, resolve, reject } = Promise.withResolvers<RunningWorker>();
  thread.onmessage = ({ data }: MessageEvent<Uint8Array | FromWorker[]>) => {
    const messages = fromWorker(data);
    const [first] = messages;
    if (first?.type === "ready") {
      resolve({
        post: (batch) => postBatch(batch, (packed, moved) => thread.postMessage(packed, moved)),
        close: () => {
          // A thread that is terminated may leave its sockets open, so it is asked to close them; one that stands still
          // does not hear that.
          thread.postMessage([{ type: "end" }] satisfies ToWorker[]);
          setTimeout(() => thread.terminate(), endTime);
        },
      });
    } else if (first?.type === "died") {
      reject(WippyError.from(first.failure));
    }
    receive(messages);
  };
  thread.onerror = ({ message }) => reject(failed(message));
  thread.postMessage(start);
  return promise;
}

/**
 * Delivers each message of a batch by itself, when the seed wants, and notes it. Log records are there at once: nothing
 * of what is simulated depends on them, and what was logged before a crash is known after it.
 */
export function simulatedLink<Message extends FromWorker | ToWorker>(
  simulation: Simulation,
  receive: (messages: Message[]) => void,
): (messages: Message[]) => void {
  const deliver = (message: Message) => {
    // A port is no value; what passes through it is noted there.
    if (simulation.traced && message.type !== "queue" && message.type !== "link") {
      type Ports = { type: "queue" | "link" };
      simulation.note(pack(asLua(message as Exclude<FromWorker | ToWorker, Ports>)));
    }
    receive([message]);
  };
  const link = simulation.link(deliver);
  return (messages) => {
    for (const message of messages) (message.type === "log" ? deliver : link)(message);
  };
}
