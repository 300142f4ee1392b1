import type { Platform } from "../../platform/platform.ts";
import type { DirectPort, QueuePort, Task, WorkerAnswer } from "./tasks.ts";
import { packAnswers, RunMemory, unpackTasks } from "./wire.ts";

/**
 * A worker's end of a provider: tasks, queries and attempts come in, their outcomes go out. Temporal: the
 * task queue that a worker polls. It leads straight to the provider's own thread, so that no step of a run
 * passes through the node's.
 */
export class TaskQueue {
  readonly #port: QueuePort | DirectPort;
  readonly #defer: Platform["defer"];
  readonly #memory = new RunMemory();
  #outgoing: WorkerAnswer[] = [];

  /** @param defer calls back at the end of the present turn: what is said until then leaves as one message. */
  constructor(port: QueuePort | DirectPort, defer: Platform["defer"]) {
    this.#port = port;
    this.#defer = defer;
  }

  /** Takes what the provider hands out, in order. Tasks, queries and attempts are each answered once. */
  onTasks(handler: (tasks: Task[]) => void): void {
    const port = this.#port;
    if ("onTasks" in port) port.onTasks = handler;
    else port.onmessage = ({ data }) => handler(unpackTasks(data, this.#memory));
  }

  /** Calls back when the provider has closed its end: it takes nothing more, and answers nothing. */
  onClosed(handler: () => void): void {
    if ("addEventListener" in this.#port) this.#port.addEventListener?.("close", handler);
  }

  /** Whether it leads to a provider on this thread: answers leave by themselves. */
  get isDirect(): boolean {
    return "onTasks" in this.#port;
  }

  /** Answers a task, a query or an attempt, which is ignored when it is no longer awaited; or sends a signal. */
  answer(answer: WorkerAnswer): void {
    if ("onTasks" in this.#port) return this.#port.answer([answer]);
    this.#outgoing.push(answer);
    if (this.#outgoing.length === 1) this.#defer(() => this.flush());
  }

  /** Sends at once what has been said. */
  flush(): void {
    if (this.#outgoing.length === 0) return;
    if ("onTasks" in this.#port) return;
    const bytes = packAnswers(this.#outgoing);
    this.#outgoing = [];
    this.#port.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
  }

  close(): void {
    this.#outgoing = [];
    this.#port.close();
  }
}
