import { pack } from "../vm/codec.ts";
import { type ErrorData, WippyError } from "../vm/error.ts";
import type { LuaState } from "../vm/exports.ts";
import type { Vm } from "../vm/vm.ts";
import { maxRecordSize } from "../workflows/history/limits.ts";
import { packSignal } from "../workflows/history/signals.ts";
import { placeOf } from "../workflows/pid.ts";
import type { TaskQueue } from "../workflows/tasks/queue.ts";
import type { Task } from "../workflows/tasks/tasks.ts";
import { deliver, type Kernel } from "./kernel.ts";
import { NODE } from "./messages.ts";

/** Runs that are kept by their PIDs, at most: a sender mostly has more for the same ones. */
const mostRuns = 2_000;

/** Where signals to a run go. */
interface Addressed {
  workflowId: string;
  queue: TaskQueue;
  underWay: Set<number>;
}

/**
 * Signals of units of this worker to runs whose provider takes them from workers: they go straight to its thread, all
 * of a turn in one message, and are answered from there.
 */
export class Signals {
  readonly #kernel: Kernel;
  /** By the host of the runs. */
  readonly #queues = new Map<string, TaskQueue>();
  /** Tickets of the signals that are not answered yet. */
  readonly #underWay = new Map<TaskQueue, Set<number>>();
  /** By PID. */
  readonly #runs = new Map<string, Addressed>();

  /** @param kernel gets the answers */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * From now on, signals to runs of a host go over this queue.
   *
   * @returns to be called when the provider has closed its end
   */
  attach(host: string, queue: TaskQueue): () => void {
    this.#queues.set(host, queue);
    this.#underWay.set(queue, new Set());
    this.#runs.clear();
    return () => this.#closed(host, queue);
  }

  /**
   * Sends the message of a request `send`, whose arguments are on the stack of the VM from the fifth place on: PID,
   * topic, sender, number of values, values.
   *
   * @returns false when it is for the node: nobody here takes it, or it is to be refused
   */
  send(vm: Vm, L: LuaState, to: number, ticket: number): boolean {
    if (to !== NODE || ticket === 0 || this.#queues.size === 0) return false;
    const [pid, name, sender] = [vm.read(L, 5), vm.read(L, 6), vm.read(L, 7)];
    if (typeof pid !== "string" || typeof name !== "string" || typeof sender !== "string") {
      return false;
    }
    const run = this.#runs.get(pid) ?? this.#find(pid);
    if (!run) return false;
    const payloads = vm.packList(L, 9);
    if (payloads.length > maxRecordSize) return false;
    const { queue, underWay, workflowId } = run;
    underWay.add(ticket);
    const data = packSignal({ name, payloads, sender });
    queue.answer({ type: "signal", signal: { ticket, workflowId, data } });
    return true;
  }

  /** The run of a PID, if its host's provider takes signals from here. */
  #find(pid: string): Addressed | undefined {
    const place = placeOf(pid);
    const queue = place && this.#queues.get(place.hostId);
    const underWay = queue && this.#underWay.get(queue);
    if (!underWay) return undefined;
    if (this.#runs.size >= mostRuns) this.#runs.clear();
    const run = { queue, underWay, workflowId: place.workflowId };
    this.#runs.set(pid, run);
    return run;
  }

  /** Hands on what a provider says of signals that came over a queue. */
  answered(queue: TaskQueue, { tickets, failure }: Extract<Task, { type: "signaled" }>): void {
    const underWay = this.#underWay.get(queue);
    for (const ticket of tickets) underWay?.delete(ticket);
    this.#complete(tickets, failure);
  }

  /** What is on its way is not answered any more. */
  #closed(host: string, queue: TaskQueue): void {
    if (this.#queues.get(host) === queue) this.#queues.delete(host);
    const tickets = [...this.#underWay.get(queue) ?? []];
    this.#underWay.delete(queue);
    this.#runs.clear();
    this.#complete(tickets, {
      kind: "Unavailable",
      message: "the workflow journal is closed",
      retryable: true,
    });
  }

  #complete(tickets: readonly number[], failure?: ErrorData): void {
    if (tickets.length === 0) return;
    if (!failure) return void this.#kernel.call("complete_all", [...tickets]);
    const values = pack([undefined, WippyError.from(failure)]);
    deliver(
      this.#kernel,
      NODE,
      tickets.map((ticket) => ({ type: "answer", to: NODE, ticket, values })),
    );
  }
}
