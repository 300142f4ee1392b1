import type { Platform } from "../../platform/platform.ts";
import type {
  ActivityResult,
  ActivityTask,
  Payload,
  QueryAnswer,
  QueryTask,
  TaskCompletion,
  WorkflowTask,
} from "../provider.ts";
import { packAnswers, RunMemory, unpackTasks } from "./task-wire.ts";

/** What a provider hands to a worker. */
export type Task =
  | { type: "task"; task: WorkflowTask }
  | { type: "query"; task: QueryTask }
  | { type: "activity"; task: ActivityTask }
  /** The attempt is no longer wanted; with `gently` it is asked to end, and its outcome is awaited. */
  | { type: "activity_cancel"; token: string; reason: string; gently: boolean }
  /**
   * Something has come to a run whose task is held open by local activities: it is to be completed soon.
   * Only for tasks that follow one with `forceNewTask`.
   */
  | { type: "expedite"; runId: string }
  /** What the worker holds in memory of a run is void. */
  | { type: "evict"; runId: string };

/** What a worker says to a provider. */
export type WorkerAnswer =
  | { type: "task"; completion: TaskCompletion }
  | { type: "queried"; answer: QueryAnswer }
  | { type: "activity"; token: string; result: ActivityResult }
  /** `details`: packed `LuaValue[]`. */
  | { type: "heartbeat"; token: string; details: Payload };

/**
 * One end of the way between a provider and a worker: a `MessagePort`, or what stands for it where
 * both are in one thread.
 */
export interface QueuePort {
  postMessage(message: Uint8Array, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent<Uint8Array>) => void) | null;
  close(): void;
}

/**
 * A worker's end of a provider: tasks, queries and attempts come in, their outcomes go out. Temporal: the
 * task queue that a worker polls. It leads straight to the provider's own thread, so that no step of a run
 * passes through the node's.
 */
export class TaskQueue {
  readonly #port: QueuePort;
  readonly #defer: Platform["defer"];
  readonly #memory = new RunMemory();
  #outgoing: WorkerAnswer[] = [];

  /** @param defer calls back at the end of the present turn: what is said until then leaves as one message. */
  constructor(port: QueuePort, defer: Platform["defer"]) {
    this.#port = port;
    this.#defer = defer;
  }

  /** Takes what the provider hands out, in order. Tasks, queries and attempts are each answered once. */
  onTasks(handler: (tasks: Task[]) => void): void {
    this.#port.onmessage = ({ data }) => handler(unpackTasks(data, this.#memory));
  }

  /** Answers a task, a query or an attempt; ignored when it is no longer awaited. */
  answer(answer: WorkerAnswer): void {
    this.#outgoing.push(answer);
    if (this.#outgoing.length === 1) this.#defer(() => this.flush());
  }

  /** Sends at once what has been said. */
  flush(): void {
    if (this.#outgoing.length === 0) return;
    const bytes = packAnswers(this.#outgoing);
    this.#outgoing = [];
    this.#port.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
  }

  close(): void {
    this.#outgoing = [];
    this.#port.close();
  }
}
