/**
 * One worker: a Lua VM with its kernel, the event loop that runs it, and what it exchanges with the node.
 * It runs in a thread of its own (`thread.ts`) or, for one-shot commands, in the node's thread.
 * @module
 */
import { limitRepeats } from "../observe/limit-repeats.ts";
import type { LogRecord } from "../observe/log.ts";
import type { OperationServices } from "../operations/operation.ts";
import { WippyError } from "../vm/error.ts";
import { Mail } from "./mail.ts";
import { asLua, type LuaValue, MultiReturn, numberOf, PackedList } from "../vm/value.ts";
import { Vm, VmTrap } from "../vm/vm.ts";
import { machine } from "../platform/machine.ts";
import { Simulation } from "../platform/simulation.ts";
import type { Platform } from "../platform/platform.ts";
import { loadKernelImage } from "./kernel-image.ts";
import { countLines, deliverAll, type Kernel, kernelOf, problemsOf } from "./kernel.ts";
import { type CodeEntry, type FromWorker, type HostState, type ToWorker } from "./messages.ts";
import type { WorkerOptions } from "./options.ts";
import { pair } from "./pair.ts";
import { PARTS, Parts } from "./parts.ts";
import { LateWorkflowWork } from "./late-workflow-work.ts";
import { nearestOf } from "./nearest.ts";
import { Crowd } from "./crowd.ts";
import type { Liveness } from "./liveness.ts";
import { Placement } from "./placement.ts";
import { QUESTIONS, ServiceQuestions } from "./service-questions.ts";
import { Pulse } from "./pulse.ts";
import { othersOf, registerSharedMemory } from "./shared-memory.ts";
import { registerStandardFiles } from "./standard-files.ts";
import { OperationRunner } from "./operation-runner.ts";
import { logRecord } from "./log-record.ts";
import { askLanguage } from "./typed-lua.ts";
import { workflowOptions } from "./workflow-options.ts";

/** Virtual milliseconds of a slice in a simulation whose fuel is all spent. */
const simulatedSlice = 5;

/** Milliseconds by which a timer may be late. */
const timerSlack = 0.5;

type Emitted = (...args: LuaValue[]) => void;

export class LuaWorker {
  readonly #options: WorkerOptions;
  readonly #post: (messages: FromWorker[]) => void;
  readonly #entries = new Map<string, CodeEntry>();
  /** Entries that are tried in the place of these, while they are. */
  #tried: Map<string, CodeEntry> | undefined;
  #vm!: Vm;
  #kernel!: Kernel;
  #workflows!: LateWorkflowWork;
  #operations!: OperationRunner;
  #parts!: Parts;
  readonly #pulse: Pulse;
  readonly #mail: Mail;
  readonly #platform: Platform;
  readonly #questions: ServiceQuestions;
  /** Call off the next turn, and the timer that would begin one; when that fires, of the precise clock. */
  #deferred: (() => void) | undefined;
  #timer: (() => void) | undefined;
  #timerAt = 0;
  readonly #crowd: Crowd;
  #liveness!: Liveness;
  #dead = false;

  private constructor(options: WorkerOptions, post: (messages: FromWorker[]) => void) {
    this.#options = options;
    this.#platform = options.platform ?? machine;
    this.#questions = new ServiceQuestions(this.#platform, () => this.#wake());
    this.#post = post;
    this.#mail = new Mail(post, {
      deliver: (origin, items) =>
        this.#enter(() => deliverAll(this.#kernel, this.#vm.parcels, origin, items)),
      turn: () => this.#turnAtOnce(),
      congested: (worker, on) => this.#enter(() => this.#kernel.call("congested", worker, on)),
      packed: (worker) => this.#vm.parcels.take(worker),
      posted: (worker, header) => this.#vm.parcels.post(worker, header),
      opened: (worker, on) => this.#vm.parcels.open(worker, on),
    }, options.version);
    this.#pulse = new Pulse(options.pulses, options.index);
    this.#crowd = new Crowd(options, this.#platform);
    for (const entry of options.entries) this.#entries.set(entry.id, entry);
  }

  /** Starts a worker; `post` is called with batches for the node. */
  static async start(
    options: WorkerOptions,
    post: (messages: FromWorker[]) => void,
  ): Promise<LuaWorker> {
    const worker = new LuaWorker(options, post);
    await worker.#boot();
    return worker;
  }

  async #boot(): Promise<void> {
    const { module, memoryLimit, services, index, firstPid, alone, hosts, strict } = this.#options;
    const image = this.#options.image ?? await loadKernelImage();
    this.#vm = await Vm.create({
      module,
      memoryLimit,
      clock: services.clock.now,
      toiling: () => this.#noteUnit(),
      ...(image && { image: image.vm }),
      ...(this.#options.jit && { jit: this.#options.jit }),
    });
    const asking = { ...services, ask: this.#questions.ask };
    const near: OperationServices["near"] = (...question) => this.#parts.near(...question);
    this.#operations = new OperationRunner({ ...asking, near }, {
      complete: (...answer) => this.#enter(() => this.#kernel.call("complete", ...answer)),
      completeAll: (all) => this.#enter(() => this.#kernel.call("complete_all", all)),
      completeEach: (answers) => {
        this.#enter(() => this.#kernel.call("complete_each", ...answers));
        this.#turnAtOnce();
      },
      terminalOf: this.#options.terminalOf,
      during: (work) => {
        if (this.#platform instanceof Simulation) void this.#platform.during(work);
      },
    });
    this.#parts = new Parts({
      platform: this.#platform,
      services: asking,
      request: (ticket, op, ...args) =>
        this.#enter(() => this.#kernel.call("request", PARTS, ticket, op, ...args)),
      serve: (...call) => this.#turn("serve", ...call),
      send: (message) => {
        this.#send(message);
        this.#wake();
      },
    });
    this.#registerHostFunctions();
    this.#kernel = kernelOf(
      this.#vm,
      image?.references ?? (await import("./kernel-sources.ts")).loadKernelSources(this.#vm),
    );
    image?.adapt?.(this.#kernel, this.#entries);
    const reports = limitRepeats(
      { log: (record) => this.#log(record) },
      this.#platform.setTimer.bind(this.#platform),
    );
    this.#workflows = new LateWorkflowWork({
      kernel: this.#kernel,
      operations: this.#operations,
      platform: this.#platform,
      cachedRuns: this.#options.cachedRuns,
      memory: () => this.#vm.memory(),
      enter: (step) => this.#enter(step),
      wake: () => this.#wake(),
      turnAtOnce: () => this.#turnAtOnce(),
      log: (record) => this.#log(record),
      report: (record) =>
        reports.log({ ...record, time: this.#platform.now(), logger: "activities" }),
      die: (error) => this.#die(error),
    });
    const [{ random }, { limit }] = [this.#platform, this.#vm.memory()];
    this.#kernel.call("configure", index, firstPid, alone, strict, random.seed(), limit);
    if (this.#platform instanceof Simulation) this.#kernel.call("shuffle", random.seed());
    services.countLines?.(countLines(this.#kernel));
    for (const host of hosts) this.#setHost(host);
    this.#send({ type: "ready" });
    this.#flush();
  }

  #registerHostFunctions(): void {
    const emitted: Record<string, Emitted> = {
      part: (ticket, entry, operation, input) => {
        this.#parts.ask(String(entry), String(operation), input).then((answer) =>
          this.#enter(() => this.#kernel.call("complete", ticket, ...answer))
        );
      },
      spent: () => {
        if (this.#platform instanceof Simulation) this.#platform.spend(simulatedSlice);
      },
      unit_end: (work) => this.#operations.end(Number(work)),
      activated: (runId, commands, failure) => {
        this.#workflows.made?.activated(String(runId), commands, failure);
      },
      heartbeat: (token, ...details) => {
        this.#workflows.made?.beat(String(token), details);
      },
      called: (token, value, error) => {
        this.#workflows.made?.attempted(String(token), value, error);
      },
    };
    const vm = this.#vm;
    vm.registerRaw("emit", (L) => {
      const [name, length] = [String(vm.read(L, 1)), vm.top(L) - 1];
      if (name === "route" || name === "reply") this.#sendPacked(L, name);
      else if (name === "operation") this.#operations.take(vm, L);
      else emitted[name]?.(...Array.from({ length }, (_, i) => vm.read(L, i + 2, true)));
      return 0;
    });
    vm.registerRaw("publish", (L) => this.#operations.publications.take(vm, L));
    vm.register("entry", (id) => asLua((this.#tried ?? this.#entries).get(String(id))));
    const { clock, entry: entryOf } = this.#options.services;
    const readers = workflowOptions((line) => this.#send(line), () => clock.now());
    vm.register("pure", (name, ...args) =>
      pair(() => {
        const options = readers.get(String(name));
        if (options) return options(this.#entries, ...args);
        if (String(name).startsWith("language.")) return askLanguage(String(name), args[0]);
        if (name === "entry.kind") return entryOf(String(args[0]))?.kind;
        if (name === "entry.nearest") {
          return nearestOf(this.#entries.values(), String(args[0]), String(args[1]));
        }
        if (name === "operation.permission") {
          const [operation, ...rest] = args;
          return this.#operations.permission(String(operation), rest);
        }
        return this.#operations.pure(String(name), args);
      }));
    vm.register(
      "immediate",
      (work, pid, entry, name, ...args) =>
        pair(() =>
          this.#operations.immediate({
            work: Number(work),
            pid: String(pid),
            entry: String(entry),
            name: String(name),
            args,
          })
        ),
    );
    vm.register("log", (level, logger, message, fields, pid, location) => {
      const time = this.#options.services.clock.now();
      const record = logRecord(time, level, logger, message, fields, { pid, location });
      if (!this.#workflows.made?.holdsLog(String(pid), record)) this.#log(record);
    });
    const placement = new Placement(this.#options, this.#platform, () => vm.memory());
    vm.register(
      "place",
      (cost, recent) => new MultiReturn(placement.place(Number(cost), Number(recent))),
    );
    this.#liveness = registerSharedMemory(vm, this.#options);
    vm.register("random_digits", (count) => {
      const bytes = this.#platform.random.bytes(Number(count) / 2);
      return Buffer.from(bytes).toString("hex");
    });
    vm.registerRaw("watch", (L) => vm.watch(L));
    vm.register("limit_memory", (bytes) => {
      vm.limitMemory(Number(bytes));
      return vm.memory().limit;
    });
    registerStandardFiles(vm, this.#operations, (to, data) => {
      if (this.#options.direct) this.#post([{ type: "output", to, data }]);
      else this.#send({ type: "output", to, data: data.slice() });
    });
    vm.register(
      "part",
      (entry, operation, input) =>
        pair(() => this.#parts.look(String(entry), String(operation), input)),
    );
  }

  /** host.emit("route", to, ticket, op, ...) and host.emit("reply", to, ticket, ...): the rest is for another VM. */
  #sendPacked(L: number, name: "route" | "reply"): void {
    const vm = this.#vm;
    const [to, ticket] = [Number(vm.read(L, 2)), Number(vm.read(L, 3))];
    if (name === "route") {
      const op = String(vm.read(L, 4));
      if (op === "send" && this.#workflows.made?.signals.send(vm, L, to, ticket)) return;
      this.#send({ type: "request", to, ticket, op, args: vm.packList(L, 5) });
    } else if (to === PARTS) this.#parts.answered(ticket, vm.read(L, 4), vm.read(L, 5));
    else this.#send({ type: "answer", to, ticket, values: vm.packList(L, 4) });
  }

  /** Notes which unit runs, for who sees that this worker stands still. */
  #noteUnit(): void {
    const unit = this.#vm.peek("current", "pid") ?? this.#vm.peek("current", "entry", "id");
    if (unit !== undefined) this.#pulse.note(unit);
  }

  #setHost({ id, kind, units, state, limits, group }: HostState): void {
    this.#kernel.call("host", id, kind, units, state, asLua(limits), group);
  }

  /** Takes a batch from the node. */
  receive(messages: ToWorker[]): void {
    if (this.#dead) return;
    for (const message of messages) this.#enter(() => this.#handle(message));
    this.#turnAtOnce();
  }

  /** Takes the turn that is due: to wait for the event loop would double the time of a round trip. */
  #turnAtOnce(): void {
    if (!this.#deferred) return;
    this.#deferred();
    this.#turn();
  }

  #handle(message: ToWorker): void {
    const kernel = this.#kernel;
    switch (message.type) {
      case "request": {
        const { origin, ticket, op, args } = message;
        kernel.call("request", origin, ticket, op, new PackedList(args));
        break;
      }
      case "answer":
        if (message.ticket === QUESTIONS) this.#questions.answered(message.values);
        else kernel.call("complete", message.ticket, new PackedList(message.values));
        break;
      case "answer_bytes":
        this.#questions.answeredBytes(message.call, message.bytes);
        break;
      case "link":
        this.#mail.links.open(message.index, message.port);
        break;
      case "fence":
        this.#mail.links.passed(message.origin, message.number);
        break;
      case "alone":
        kernel.call("alone", message.alone, othersOf(this.#options));
        break;
      case "host":
        this.#setHost(message.host);
        this.#mail.links.reached(message.version);
        break;
      case "entries":
        for (const entry of message.change.code) this.#entries.set(entry.id, entry);
        for (const id of message.change.removed) this.#entries.delete(id);
        for (const id of message.change.stale) kernel.call("forget", id);
        this.#options.services.register(message.change.entries, message.change.removed);
        this.#parts.changed();
        this.#mail.links.reached(message.version);
        break;
      case "part":
        this.#parts.take(message.entry, message.order).catch((error) => this.#die(error));
        break;
      case "worker_down":
        this.#mail.links.close(message.index);
        kernel.call("worker_down", message.index, WippyError.from(message.failure));
        this.#mail.links.reached(message.version);
        break;
      case "queue":
        this.#workflows.make().attach(message.port, message.signals);
        break;
      case "replay":
        this.#workflows.make().check(message).then((found) => {
          const { question } = message;
          this.#send({ type: "replayed", question, ...(found && { difference: found }) });
          this.#wake();
        }, (error) => this.#die(error));
        break;
      case "environment":
        this.#options.services.environment.mirror(message.storage, message.key, message.value);
        break;
      case "cancel_all":
        kernel.call("cancel_all", message.hostId, message.reason);
        break;
      case "count":
        this.#send({
          type: "counted",
          question: message.question,
          live: Number(kernel.call("stopping", message.hostId)[0]),
        });
        break;
      case "check":
        this.#check(message.question, message.ids, message.entries);
        break;
    }
  }

  #check(question: number, ids: string[], entries?: CodeEntry[]): void {
    if (entries) this.#tried = new Map(entries.map((entry) => [entry.id, entry]));
    try {
      const problems = problemsOf(this.#kernel, ids, entries !== undefined);
      this.#send({ type: "checked", question, problems });
    } finally {
      this.#tried = undefined;
    }
  }

  #log(record: LogRecord): void {
    // In the node's thread at once, so that it stays in order with what the terminal is given.
    if (this.#options.direct) this.#post([{ type: "log", record }]);
    else this.#send({ type: "log", record });
  }

  #send(message: FromWorker): void {
    this.#mail.send(message);
  }

  /** Orders later messages behind everything that the node was told in this worker's name. */
  readonly fence = (): void => this.#mail.links.raiseFences();

  #flush(): void {
    // Absent when the worker dies while it starts.
    this.#workflows?.made?.flush();
    const questions = this.#questions.take();
    if (questions) this.#mail.tell(questions);
    this.#mail.flush();
  }

  /** Runs `step` in the VM; a fault of the VM ends this worker, which the node then replaces. */
  #enter(step: () => void): void {
    if (this.#dead) return;
    try {
      step();
      this.#wake();
    } catch (error) {
      this.#die(error);
    }
  }

  #wake(): void {
    if (!this.#deferred && !this.#dead) {
      this.#deferred = this.#platform.defer(() => this.#turn());
    }
  }

  /** Lets the units run for a turn, which may begin with a request of a part. @returns what the kernel does */
  #turn(name: "run" | "serve" = "run", ...args: LuaValue[]): LuaValue[] {
    const deferred = this.#deferred;
    this.#deferred = undefined;
    if (this.#dead) return [];
    try {
      this.#vm.beginTurn();
      this.#vm.parcels.renew(this.#liveness.ends());
      const results = this.#kernel.call(name, ...args);
      const [more, units, due] = results;
      if (more === undefined) {
        // Nothing has happened besides the request: a turn that is due remains so.
        this.#deferred ??= deferred;
        this.#flush();
      } else {
        deferred?.();
        this.#turned(more, units, due);
      }
      return results;
    } catch (error) {
      this.#die(error);
      return [];
    }
  }

  /** A turn is over: what `kernel.run` has returned. */
  #turned(more: LuaValue, units: LuaValue, due: LuaValue): void {
    const { loads, backlogs, index } = this.#options;
    const [live, backlog] = [Number(units), Math.min(Number(more), 2 ** 30)];
    Atomics.store(loads, index, live);
    Atomics.store(backlogs, index, backlog);
    if (this.#crowd.forms(live, this.#workflows.made?.runs ?? 0, backlog)) {
      this.#send({ type: "crowded" });
    }
    this.#flush();
    if (more !== false || due === undefined) {
      this.#timer?.();
      this.#timer = undefined;
      if (more !== false) this.#wake();
      return;
    }
    // A timer cannot be set for longer than 2^31 ms.
    const delay = Math.min(Math.max(numberOf(due), 0), 2 ** 30);
    const at = this.#platform.precise() + delay;
    // Usually it is the one already set, and setting it again would take longer than most turns.
    if (this.#timer && Math.abs(at - this.#timerAt) < timerSlack) return;
    this.#timer?.();
    this.#timerAt = at;
    this.#timer = this.#platform.setTimer(delay, () => {
      this.#timer = undefined;
      this.#turn();
    });
  }

  #die(error: unknown): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#timer?.();
    this.#deferred?.();
    this.#operations.close();
    this.#parts.close();
    const what = error instanceof VmTrap ? "the Lua VM stopped" : "the worker failed";
    const failure = new WippyError("Internal", `${what}: ${WippyError.from(error).message}`, {
      retryable: true,
      cause: error,
    });
    // What the units have sent goes before the news.
    this.#flush();
    this.#send({ type: "died", failure: failure.toJSON() });
    this.#flush();
  }

  /** Lets go of the VM. Nothing of it runs afterwards. */
  close(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#timer?.();
    this.#deferred?.();
    this.#operations.close();
    this.#parts.close();
    this.#workflows?.made?.close();
    this.#mail.links.closeAll();
    this.#vm.close();
  }
}
