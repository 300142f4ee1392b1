import { machine } from "../platform/machine.ts";
import { pack, unpack } from "../vm/codec.ts";
import { type ErrorData, WippyError } from "../vm/error.ts";
import { loadLuaModule } from "../vm/module.ts";
import { asLua, type LuaValue, type PackedList } from "../vm/value.ts";
import {
  type EntriesChange,
  type EnvironmentWrite,
  type FromWorker,
  type HostState,
  NODE,
  type ToWorker,
} from "../worker/messages.ts";
import { type CompiledFigures, readCompiled } from "../worker/shared-memory.ts";
import { createServices } from "../worker/services.ts";
import type { ThreadStart } from "../worker/thread.ts";
import { LuaWorker } from "../worker/worker.ts";
import { type KernelRequest, type KernelRequests, requestOf } from "./kernel-requests.ts";
import { WorkerLinks } from "./worker-links.ts";
import { Outbox } from "./outbox.ts";
import { notFound, Questions, valueOf } from "./questions.ts";
import type { FunctionCall, WorkerPoolEvents, WorkerPoolOptions } from "./worker-pool-options.ts";
import { SharedMemory } from "./shared-memory.ts";
import { type StandingWorker, standsStill, WorkerWatch } from "./worker-watch.ts";
import { type RunningWorker, simulatedLink, startThread } from "./worker-start.ts";

/** PID numbers that one start of a worker may use before those of its replacement begin. */
const pidsPerStart = 2 ** 32;

/** The workers of a node: starts them when there is work, carries their messages, replaces those that die. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #events: WorkerPoolEvents;
  /** Workers that there may be. */
  #most: number;
  readonly #memory: SharedMemory;
  readonly #watch: WorkerWatch;
  readonly #workers = new Map<number, RunningWorker>();
  readonly #starts: number[];
  readonly #starting = new Map<number, Promise<void>>();
  readonly #outbox: Outbox;
  readonly #questions = new Questions();
  readonly #links = new WorkerLinks();
  readonly #writes = new Map<string, EnvironmentWrite>();
  #hosts: HostState[] = [];
  #observed = false;
  #closed = false;

  constructor(options: WorkerPoolOptions, events: WorkerPoolEvents) {
    this.#options = options;
    this.#events = events;
    this.#most = options.count;
    this.#memory = new SharedMemory(options.count, options.limitedHosts);
    this.#watch = new WorkerWatch(this.#memory.pulses, options.heartbeatTimeout, {
      standing: (index, state) => {
        this.#questions.refuse(index, standsStill(index, state));
        this.#events.standing(index, state);
        this.#growIfCrowded();
      },
      goesOn: (index, after) => this.#events.goesOn(index, after),
      lost: (index, state) => {
        this.#died(index, this.#starts[index]! - 1, standsStill(index, state).toJSON());
      },
    });
    this.#starts = new Array<number>(options.count).fill(0);
    this.#outbox = new Outbox((index, batch) => this.#post(index, batch), this.defer);
  }

  /** Calls back at the end of this turn of the event loop; in a simulation, which has none, of what runs. */
  get defer(): (then: () => void) => void {
    return this.#options.simulation ? queueMicrotask : machine.defer;
  }

  /** Starts the first worker; in a simulation all, so that placement depends on the seed alone. */
  async open(): Promise<void> {
    await this.#start(0);
    if (!this.#options.simulation) return;
    for (let index = 1; index < this.#options.count; index++) await this.#start(index);
  }

  /** Indexes of the workers that run. */
  get running(): number[] {
    return [...this.#workers.keys()];
  }

  /** Workers at most: no more than the runtime was started with. Set to less, workers that run stay. */
  get capacity(): number {
    return this.#most;
  }

  set capacity(count: number) {
    this.#most = Math.min(count, this.#options.count);
  }

  /** Bytes of Lua memory of one worker. */
  get memoryLimit(): number {
    return this.#options.memoryLimit;
  }

  set memoryLimit(bytes: number) {
    this.#options.memoryLimit = bytes;
    for (const index of this.#reachable) this.tell(index, "limit_memory", bytes);
  }

  /** Units alive on all workers, as of each worker's last turn. */
  get live(): number {
    return this.running.reduce((sum, index) => sum + Math.max(0, this.#memory.loads[index]!), 0);
  }

  /** Units alive on a worker, as of its last turn. */
  loadOf(index: number): number {
    return Math.max(0, this.#memory.loads[index] ?? 0);
  }

  /** What a worker has compiled, as of its last turn; undefined where it compiles nothing. */
  compiledOn(index: number): CompiledFigures | undefined {
    return this.#options.jit && readCompiled(this.#memory.compiled, index);
  }

  /** Units alive on each worker, by index, as of its last turn; below 0 where none runs. Shared by all threads. */
  get loads(): Int32Array {
    return this.#memory.loads;
  }

  /** The running worker with the fewest units; one that stands still only where all do. */
  leastLoaded(): number {
    const weight = (index: number) =>
      this.standing(index) ? Infinity : this.#memory.loads[index] ?? 0;
    let best: number | undefined;
    for (const index of this.#workers.keys()) {
      if (best === undefined || weight(index) < weight(best)) best = index;
    }
    return best ?? 0;
  }

  #start(index: number): Promise<void> {
    const present = this.#starting.get(index);
    if (present) return present;
    const launched = this.#launch(index);
    const { simulation } = this.#options;
    const started = (simulation ? simulation.during(launched) : launched).finally(() =>
      this.#starting.delete(index)
    );
    this.#starting.set(index, started);
    return started;
  }

  async #launch(index: number): Promise<void> {
    const { inline, entries, services, memoryLimit, cachedRuns, strict, terminalOf, simulation } =
      this.#options;
    const generation = this.#starts[index]!;
    const receive = (messages: FromWorker[]) => this.#receive(index, generation, messages);
    this.#starts[index] = generation + 1;
    const options = {
      index,
      firstPid: this.#options.firstPid + generation * pidsPerStart,
      alone: this.#workers.size === 0,
      version: this.#links.version,
      strict,
      entries,
      hosts: this.#hosts,
      memoryLimit,
      jit: this.#options.jit,
      ...(cachedRuns !== undefined && { cachedRuns }),
      module: await loadLuaModule(),
      ...this.#memory.all,
    };
    if (simulation || (inline && index === 0)) {
      const own: { worker?: LuaWorker } = {};
      const write = (storage: string, key: string, value: string) => {
        this.#mirror(index, { type: "environment", storage, key, value });
        own.worker?.fence();
      };
      const worker = own.worker = await LuaWorker.start(
        {
          ...options,
          services: createServices(services, write, simulation),
          ...(simulation ? { platform: simulation, image: this.#options.image } : { direct: true }),
          terminalOf,
        },
        simulation ? simulatedLink(simulation, receive) : receive,
      );
      const deliver = (messages: ToWorker[]) => worker.receive(messages);
      this.#workers.set(index, {
        // A call back into the worker must not nest in its turn.
        post: simulation
          ? simulatedLink(simulation, deliver)
          : (messages) => queueMicrotask(() => deliver(messages)),
        close: () => worker.close(),
      });
    } else {
      await this.#startThread(index, generation, { options, services });
    }
    this.#outbox.sendFirst(index, this.#writes.values());
    if (this.#observed) this.tell(index, "observe", true);
    this.#memory.started(index);
    this.#events.started(index);
    this.#links.connect(index, this.#workers.keys(), this.send.bind(this), simulation);
    if (this.#workers.size > 1) {
      for (const other of this.#workers.keys()) this.send(other, { type: "alone", alone: false });
    }
  }

  async #startThread(index: number, generation: number, start: ThreadStart): Promise<void> {
    const receive = (messages: FromWorker[]) => this.#receive(index, generation, messages);
    this.#workers.set(
      index,
      await startThread(start, receive, (message) => {
        const failure = new WippyError("Internal", `worker ${index} failed: ${message}`);
        this.#died(index, generation, failure.toJSON());
        return failure;
      }),
    );
    this.#watch.add(index);
  }

  /** How a worker stands still; undefined when it runs. */
  standing(index: number): StandingWorker | undefined {
    return this.#watch.standing(index);
  }

  /** Sends a message to a worker, in a batch with what else waits to go there. */
  send(index: number, message: ToWorker): void {
    this.#outbox.send(index, message);
  }

  /** Whether a batch was for a worker that runs, or was dropped; what is for one that is starting waits for it. */
  #post(index: number, batch: ToWorker[]): boolean {
    const worker = this.#workers.get(index);
    worker?.post(batch);
    return worker !== undefined || !this.#starting.has(index);
  }

  /** Asks a worker's kernel for an operation and waits. @throws WippyError the operation's error */
  async ask<Op extends KernelRequest>(
    index: number,
    op: Op,
    ...args: KernelRequests[Op]
  ): Promise<LuaValue> {
    return await valueOf(this.#request(index, op, args).answer);
  }

  /**
   * The same for tools, which wait for no worker that stands still.
   *
   * @throws WippyError the operation's error; Unavailable when the worker stands still
   */
  async askNow<Op extends KernelRequest>(
    index: number,
    op: Op,
    ...args: KernelRequests[Op]
  ): Promise<LuaValue> {
    this.#refuseStanding(index);
    const { ticket, answer } = this.#request(index, op, args);
    this.#questions.hurry(ticket);
    return await valueOf(answer);
  }

  /** New work waits for no worker that stands still. @throws WippyError Unavailable */
  #refuseStanding(index: number): void {
    const state = this.standing(index);
    if (state) throw standsStill(index, state);
  }

  /** Sends a request to a worker's kernel. @throws WippyError NotFound when there is no such worker */
  #request<Op extends KernelRequest>(
    index: number,
    op: Op,
    args: KernelRequests[Op] | PackedList,
    send: "send" | "sendLater" = "send",
  ) {
    if (!this.#workers.has(index) && !this.#starting.has(index)) throw notFound(index);
    const { ticket, answer } = this.#questions.ask(index);
    this.#outbox[send](index, requestOf(ticket, op, args as LuaValue | PackedList));
    return { ticket, answer };
  }

  /** Calls a function on a worker. @throws WippyError Unavailable when the worker stands still */
  call(
    index: number,
    args: KernelRequests["call"] | PackedList,
    op: "call" | "call_request" | "deliver" = "call",
  ): FunctionCall {
    this.#refuseStanding(index);
    const given = args as KernelRequests["call"];
    const { ticket, answer } = this.#request(index, op, given, "sendLater");
    return {
      answer: valueOf(answer),
      cancel: (reason) => {
        if (this.#questions.reject(ticket, reason)) this.tell(index, "cancel_call", NODE, ticket);
      },
    };
  }

  /**
   * Spawns a process on a worker; `ended` is its outcome.
   *
   * @throws WippyError when it cannot be started; Unavailable when the worker stands still
   */
  async spawn(
    index: number,
    id: string,
    hostId: string,
    frame: LuaValue,
    args: LuaValue[],
  ): Promise<{ pid: string; ended: Promise<LuaValue> }> {
    this.#refuseStanding(index);
    const { ticket, answer } = this.#questions.ask(index);
    const ended = valueOf(answer);
    // Whoever asked may look at it only later, or never.
    ended.catch(() => {});
    try {
      const pid = await this.ask(index, "spawn_watched", ticket, id, hostId, frame, ...args);
      return { pid: String(pid), ended };
    } catch (error) {
      this.#questions.forget(ticket);
      throw error;
    }
  }

  /** Tells a worker's kernel of something, without an answer. */
  tell<Op extends KernelRequest>(index: number, op: Op, ...args: KernelRequests[Op]): void {
    this.send(index, requestOf(0, op, args as LuaValue));
  }

  /** The workers that run or are starting. */
  get #reachable(): Set<number> {
    return new Set([...this.#workers.keys(), ...this.#starting.keys()]);
  }

  /** Tells every worker, and those that start later, how a host is. */
  setHost(host: HostState): void {
    this.#hosts = [...this.#hosts.filter(({ id }) => id !== host.id), host];
    const version = this.#links.advance();
    for (const index of this.#reachable) this.send(index, { type: "host", host, version });
  }

  /** Tells every worker, and those that start later, what changed in the registry. */
  change(change: EntriesChange): void {
    const { code, entries, removed } = change;
    const gone = new Set(removed);
    const changed = new Set([...code, ...entries].map(({ id }) => id));
    const stays = ({ id }: { id: string }) => !gone.has(id) && !changed.has(id);
    this.#options.entries = [...this.#options.entries.filter(stays), ...code];
    const { services } = this.#options;
    services.entries = [...services.entries.filter(stays), ...entries];
    const version = this.#links.advance();
    for (const index of this.#reachable) this.send(index, { type: "entries", change, version });
  }

  /** Tells every worker, and those that start later, whether somebody wants to hear of starts and ends of units. */
  observe(on: boolean): void {
    if (on === this.#observed) return;
    this.#observed = on;
    for (const index of this.#reachable) this.tell(index, "observe", on);
  }

  /**
   * A question that a worker answers with a message of its own: the answer's number is the question's.
   *
   * @param prompt the answer takes no time, so that a worker which begins to stand still is not waited for
   * @throws WippyError Unavailable when the worker stands still
   */
  async question(
    index: number,
    message: (question: number) => ToWorker,
    prompt = false,
  ): Promise<LuaValue[]> {
    this.#refuseStanding(index);
    const { ticket, answer } = this.#questions.ask(index);
    if (prompt) this.#questions.hurry(ticket);
    this.send(index, message(ticket));
    return await answer;
  }

  #receive(index: number, generation: number, messages: FromWorker[]): void {
    if (this.#closed || generation + 1 !== this.#starts[index]) return;
    for (const message of messages) this.#handle(index, generation, message);
    this.#growIfCrowded();
  }

  #handle(index: number, generation: number, message: FromWorker): void {
    switch (message.type) {
      case "request":
        if (message.to === NODE) void this.#answer(index, message);
        else if (this.#workers.has(message.to)) {
          const { ticket, op, args } = message;
          this.send(message.to, { type: "request", origin: index, ticket, op, args });
        } else if (message.ticket !== 0) {
          const values = pack([undefined, notFound(message.to)]);
          this.send(index, { type: "answer", ticket: message.ticket, values });
        }
        break;
      case "answer":
        if (message.to === NODE) {
          this.#questions.answer(message.ticket, unpack(message.values) as LuaValue[]);
        } else {
          const { ticket, values } = message;
          this.send(message.to, { type: "answer", ticket, values });
        }
        break;
      case "fence":
        this.send(message.to, { type: "fence", origin: index, number: message.number });
        break;
      case "counted":
        this.#questions.answer(message.question, [message.live]);
        break;
      case "replayed":
        this.#questions.answer(message.question, [asLua(message.difference)]);
        break;
      case "checked":
        this.#questions.answer(message.question, [asLua(message.problems)]);
        break;
      case "crowded":
        break;
      case "environment":
        this.#mirror(index, message);
        break;
      case "died":
        this.#died(index, generation, message.failure);
        break;
      default:
        this.#events.message(index, message);
    }
  }

  /** Tells the other workers, and those that start later, of a write. */
  #mirror(origin: number, write: EnvironmentWrite): void {
    this.#writes.set(`${write.storage} ${write.key}`, write);
    for (const index of this.#workers.keys()) if (index !== origin) this.send(index, write);
  }

  async #answer(
    origin: number,
    { ticket, op, args }: { ticket: number; op: string; args: Uint8Array },
  ): Promise<void> {
    let values: LuaValue[];
    try {
      values = await this.#events.request(origin, op, unpack(args) as LuaValue[]);
    } catch (error) {
      values = [undefined, WippyError.from(error)];
    }
    if (ticket !== 0) this.send(origin, { type: "answer", ticket, values: pack(values) });
  }

  #died(index: number, generation: number, failure: ErrorData): void {
    if (this.#closed || generation + 1 !== this.#starts[index]) return;
    const worker = this.#workers.get(index);
    if (!worker) return;
    this.#workers.delete(index);
    this.#watch.remove(index);
    this.#outbox.drop(index);
    this.#memory.died(index);
    worker.close();
    this.#questions.fail(index, WippyError.from(failure));
    const version = this.#links.advance();
    for (const other of this.#reachable) {
      this.send(other, { type: "worker_down", index, failure, version });
    }
    this.#events.died(index, failure);
    this.#startAgain(index);
  }

  /** Ends a worker as if its VM had died; it is replaced. @returns whether it ran */
  kill(index: number): boolean {
    if (!this.#workers.has(index)) return false;
    const failure = new WippyError("Internal", `worker ${index} was killed`, { retryable: true });
    this.#died(index, this.#starts[index]! - 1, failure.toJSON());
    return true;
  }

  #growIfCrowded(): void {
    if (this.#workers.size >= this.#most || this.#starting.size > 0) return;
    const pressed = this.running.some((i) => this.#memory.isBusy(i) || this.standing(i));
    if (pressed) this.#startAgain(this.#starts.findIndex((_, index) => !this.#workers.has(index)));
  }

  /** Starts all workers that there may be; nobody waits for that. */
  fill(): void {
    for (let index = 0; index < this.#most; index++) {
      if (!this.#workers.has(index)) this.#startAgain(index);
    }
  }

  /** Starts a worker that nobody waits for. */
  #startAgain(index: number): void {
    void this.#start(index).catch((error) => {
      this.#events.died(index, WippyError.from(error).toJSON());
    });
  }

  /** Ends all workers at once. */
  close(): void {
    this.#closed = true;
    this.#watch.close();
    for (const worker of this.#workers.values()) worker.close();
    this.#workers.clear();
  }
}
