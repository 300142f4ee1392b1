import { portPair } from "../../../tasks/ports.ts";
import type { QueuePort, Transport, WorkerAnswer } from "../../../tasks/tasks.ts";
import { type OutgoingTask, packTasks, unpackAnswers } from "../../../tasks/wire.ts";

interface Link {
  port: QueuePort;
  /** Number of tasks that it has not answered. */
  out: number;
}

/** The links to the workers of this runtime. */
export class WorkerLinks {
  readonly #links = new Map<number, Link>();
  readonly #inline: boolean;
  readonly #transport: Transport | undefined;
  /** Units that live on each worker, by index, as of its last turn. */
  #loads: Int32Array | undefined;
  #waiting: (() => void)[] = [];
  /** Takes what a worker says. */
  onAnswer: (worker: number, answer: WorkerAnswer) => void = () => {};

  /** @param inline the workers are on this thread */
  constructor(inline: boolean, transport?: Transport) {
    this.#inline = inline;
    this.#transport = transport;
  }

  get any(): boolean {
    return this.#links.size > 0;
  }

  /** Connects a worker in place of its predecessor. @returns the worker's end */
  connect(worker: number, loads?: Int32Array): QueuePort {
    this.#loads = loads;
    const [ours, theirs] = this.#inline ? portPair(this.#transport) : channel();
    this.#links.get(worker)?.port.close();
    this.#links.set(worker, { port: ours, out: 0 });
    ours.onmessage = ({ data }) => {
      // Messages that a dead worker had sent are ignored.
      if (this.#links.get(worker)?.port !== ours) return;
      for (const answer of unpackAnswers(data)) this.onAnswer(worker, answer);
    };
    for (const go of this.#waiting.splice(0)) go();
    return theirs;
  }

  disconnect(worker: number): void {
    this.#links.get(worker)?.port.close();
    this.#links.delete(worker);
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

  /** The wanted worker if it is connected, else the one with the least to do; below 0 for none. */
  choose(wanted?: number): number {
    if (wanted !== undefined && this.#links.has(wanted)) return wanted;
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
  send(worker: number, task: OutgoingTask): void {
    const bytes = packTasks([task]);
    this.#links.get(worker)?.port.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
  }

  /** Counts a task that was handed to a worker or answered. */
  count(worker: number, change: number): void {
    const link = this.#links.get(worker);
    if (link) link.out += change;
  }
}

function channel(): [QueuePort, QueuePort] {
  const { port1, port2 } = new MessageChannel();
  return [port1, port2];
}
