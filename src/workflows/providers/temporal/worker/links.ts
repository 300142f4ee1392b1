import { ThreadTime } from "../../../../platform/thread-time.ts";
import { directPair, portPair } from "../../../tasks/ports.ts";
import type { DirectPort, QueuePort, Task, Transport, WorkerAnswer } from "../../../tasks/tasks.ts";
import { type OutgoingTask, packIdentity, packTasks, unpackAnswers } from "../../../tasks/wire.ts";
import { seqOf } from "../../../tasks/tokens.ts";
import { packEvents } from "./run.ts";

/** Milliseconds over which is looked at how busy this thread is. */
const lately = 250;

interface Link {
  /** Number of tasks that it has not answered. */
  out: number;
  send(task: Task): void;
  close(): void;
}

/** The links to the workers of this runtime. */
export class WorkerLinks {
  readonly #links = new Map<number, Link>();
  readonly #inline: boolean;
  readonly #transport: Transport | undefined;
  readonly #time = new ThreadTime(lately);
  /** Units that live on each worker, by index, as of its last turn. */
  #loads: Int32Array | undefined;
  /** The worker on this thread. */
  #here = -1;
  #waiting: (() => void)[] = [];
  /** Takes what a worker says. */
  onAnswer: (worker: number, answer: WorkerAnswer) => void = () => {};

  /** @param inline the workers are on this thread, and messages to them pass through `transport` */
  constructor(inline: boolean, transport?: Transport) {
    this.#inline = inline;
    this.#transport = transport;
  }

  /** The worker on this thread; below 0 for none. */
  get here(): number {
    return this.#here;
  }

  get any(): boolean {
    return this.#links.size > 0;
  }

  /**
   * Connects a worker in place of its predecessor.
   *
   * @param here it is on this thread
   * @returns the worker's end
   */
  connect(worker: number, loads?: Int32Array, here = false): QueuePort | DirectPort {
    this.#loads = loads;
    this.#links.get(worker)?.close();
    const taken = (answers: WorkerAnswer[]) => {
      // Answers that a dead worker had sent are ignored.
      if (this.#links.get(worker) !== link) return;
      for (const answer of answers) this.onAnswer(worker, answer);
    };
    const { link, theirs } = here ? directLink(taken) : this.#packedLink(taken);
    this.#links.set(worker, link);
    if (here) this.#here = worker;
    for (const go of this.#waiting.splice(0)) go();
    return theirs;
  }

  #packedLink(taken: (answers: WorkerAnswer[]) => void): { link: Link; theirs: QueuePort } {
    const [ours, theirs] = this.#inline ? portPair(this.#transport) : channel();
    ours.onmessage = ({ data }) => taken(unpackAnswers(data));
    const send = (task: Task) => {
      const bytes = packTasks([outgoing(task)]);
      ours.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
    };
    return { link: { out: 0, send, close: () => ours.close() }, theirs };
  }

  disconnect(worker: number): void {
    this.#links.get(worker)?.close();
    this.#links.delete(worker);
    if (worker === this.#here) this.#here = -1;
  }

  close(): void {
    for (const worker of [...this.#links.keys()]) this.disconnect(worker);
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Fulfilled when a worker is connected, or when the links are closed. */
  async ready(): Promise<void> {
    if (this.any) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Chooses a worker; below 0 for none.
   *
   * @param quick it is a moment's work, which the way to another thread and back would outlast
   */
  choose({ wanted, quick = false }: { wanted?: number | undefined; quick?: boolean }): number {
    if (wanted !== undefined && this.#links.has(wanted)) return wanted;
    if (quick && this.#here >= 0 && !(this.#links.size > 1 && this.#time.busy)) return this.#here;
    let [best = -1] = this.#links.keys();
    for (const worker of this.#links.keys()) {
      if (this.#load(worker) < this.#load(best)) best = worker;
    }
    return best;
  }

  #load(worker: number): number {
    return Math.max(0, this.#loads?.[worker] ?? 0) + (this.#links.get(worker)?.out ?? 0);
  }

  /** Sends a message to a worker, if it is connected. */
  send(worker: number, task: Task): void {
    this.#links.get(worker)?.send(task);
  }

  /** Counts a task that was handed to a worker or answered. */
  count(worker: number, change: number): void {
    const link = this.#links.get(worker);
    if (link) link.out += change;
  }
}

function directLink(
  taken: (answers: WorkerAnswer[]) => void,
): { link: Link; theirs: DirectPort } {
  const [{ send, close }, theirs] = directPair(taken);
  return { link: { out: 0, send, close }, theirs };
}

/** A task as it crosses threads. */
function outgoing(task: Task): OutgoingTask {
  switch (task.type) {
    case "activity": {
      const { runId, workflowId, pid, hostId, idempotencyToken: _, activityId, ...rest } =
        task.task;
      const identity = packIdentity({ runId, workflowId, pid, hostId });
      const ownId = activityId !== seqOf(rest.token);
      return { type: "activity", task: { ...rest, identity, ...ownId && { activityId } } };
    }
    case "task":
    case "query": {
      const { history } = task.task;
      if (!Array.isArray(history)) return task;
      return { ...task, task: { ...task.task, history: packEvents(history) } } as OutgoingTask;
    }
    default:
      return task;
  }
}

function channel(): [QueuePort, QueuePort] {
  const { port1, port2 } = new MessageChannel();
  return [port1, port2];
}
