import { machine } from "../platform/machine.ts";
import type { Platform } from "../platform/platform.ts";
import type { LogSink } from "../observe/log.ts";
import type { Lifecycle } from "../registry/lifecycle.ts";
import type { Caller, Figure, Service, Started } from "../services/service.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { Changes } from "./changes.ts";
import type { ServiceInfo, ServiceState } from "./service-info.ts";
import { failureFields, isTerminal, restartDelay } from "./service-failure.ts";

export interface ServiceDefinition {
  id: string;
  lifecycle: Lifecycle;
  /** Hosts start before the others, and one that cannot start is fatal. @default false */
  host?: boolean;
  /** Starts before all others and stops after them, unless it requires some. @default false */
  early?: boolean;
  /** Services that must run first; those that are none count as not written. */
  requires: string[];
  /** Of these, the ones that it cannot do without. */
  strict?: string[];
  make: Service;
}

/** What became of a service that was to start; one that waits is tried again later. */
type Outcome = "started" | "waiting" | "blocked";

interface Supervised extends ServiceDefinition {
  state: ServiceState;
  desired: "running" | "stopped";
  attempt: number;
  startedAt: number;
  /** Nanoseconds since 1970 of the last change and the last start; 0: never. */
  changedAt: number;
  since: number;
  details: string | undefined;
  ended: Promise<void>;
  /** What ran last, for the record of its failure. */
  process: Started["process"];
  /** Calls the restart off. */
  retry?: () => void;
  /** What runs, where the definition was replaced since its start. */
  running?: Service | undefined;
}

/** Starts services in the order of their dependencies, restarts what fails, stops in reverse order. */
export class Services {
  readonly #services = new Map<string, Supervised>();
  readonly #log: LogSink;
  readonly #platform: Platform;
  /** Services that start when this one runs. */
  readonly #waiting = new Map<Supervised, Set<Supervised>>();
  readonly #changes = new Changes<Supervised>();
  #stopping = false;
  /** Told of every change of a service's state. */
  changed: (info: ServiceInfo) => void = () => {};

  constructor(log: LogSink, platform: Platform = machine) {
    this.#log = log;
    this.#platform = platform;
  }

  /** Adds a service; of one that is there, the definition is another from its next start on. */
  add(definition: ServiceDefinition): void {
    const present = this.#services.get(definition.id);
    if (present) {
      const running = present.make;
      Object.assign(present, definition);
      if (present.state === "running") present.running ??= running;
      return;
    }
    this.#services.set(definition.id, {
      ...definition,
      state: "unknown",
      desired: "stopped",
      attempt: 0,
      startedAt: 0,
      changedAt: 0,
      since: 0,
      details: undefined,
      ended: Promise.resolve(),
      process: undefined,
    });
  }

  /** Everything about a service that tools show, times in ns since 1970; undefined for an unknown one. */
  describe(id: string): ServiceInfo | undefined {
    const service = this.#services.get(id);
    if (service === undefined) return undefined;
    const running = service.state === "running" ? service.running ?? service.make : undefined;
    const details = service.details ?? running?.summary?.();
    return {
      id,
      status: service.state,
      desired: service.desired,
      retry_count: service.attempt,
      last_update: service.changedAt,
      started_at: service.since,
      ...(details !== undefined && { details }),
    };
  }

  /** `describe` of every service, sorted by identifier. */
  describeAll(): ServiceInfo[] {
    return [...this.#services.keys()].sort().map((id) => this.describe(id)!);
  }

  /** Every change of a state goes through here. */
  #enter(service: Supervised, state: ServiceState, details?: string): void {
    service.state = state;
    service.details = details;
    service.changedAt = Math.round(this.#platform.now() * 1e6);
    if (state === "running") service.since = service.changedAt;
    this.changed(this.describe(service.id)!);
    this.#changes.tell(service);
  }

  /** Whether a service is to start without being asked to. */
  startsByItself(id: string): boolean {
    return this.#services.get(id)?.lifecycle.auto_start === true;
  }

  /** State of a service; undefined for an unknown one. */
  state(id: string): ServiceState | undefined {
    return this.#services.get(id)?.state;
  }

  /**
   * Starts all services with `auto_start` and what they require; see `#bringUp`.
   *
   * @throws WippyError Invalid for a cycle; the error of a required host that cannot start
   */
  async startAll(): Promise<void> {
    const roots = [...this.#services.values()].filter((s) => s.lifecycle.auto_start);
    for (const service of this.#levels(roots).flat()) service.desired = "running";
    await this.#bringUp(roots);
  }

  /** Starts one service and what it requires, unless they run. @throws as `startAll`, and NotFound */
  async start(id: string): Promise<void> {
    await this.#bringUp([this.#find(id)]);
  }

  /** Stops a service, those that require it first, unless they are stopped. @throws WippyError NotFound */
  async stop(id: string): Promise<void> {
    const root = this.#find(id);
    const dependents = [...this.#services.values()].filter((service) => this.#needs(service, root));
    for (const service of [root, ...dependents]) {
      service.retry?.();
      service.desired = "stopped";
    }
    const running = [root, ...dependents].filter(({ state }) => state === "running");
    await this.#stopInOrder(running);
  }

  /** Stops a service that runs, after those that require it, and starts all that ran again. @throws as `start` */
  async restart(id: string): Promise<void> {
    const root = this.#find(id);
    if (root.state !== "running") return;
    const ran = [...this.#services.values()].filter((service) =>
      service.state === "running" && (service === root || this.#needs(service, root))
    );
    await this.#stopInOrder(ran);
    await this.#bringUp(ran);
  }

  /** Makes a running service take over what it can of a changed entry. */
  takeOver(id: string): void {
    const { state, running, make } = this.#find(id);
    if (state === "running" && running && running !== make) running.takeOver?.(make);
  }

  /** What runs under an identifier. @throws WippyError NotFound; Unavailable when it does not run */
  running(id: string): Service {
    const service = this.#find(id);
    if (service.state === "running") return service.running ?? service.make;
    throw new WippyError("Unavailable", `service ${id} is ${service.state}`, { retryable: true });
  }

  /**
   * Asks a service (see `Service.answer`), and waits for one that is about to start: workflows go on before all that
   * they use runs.
   *
   * @throws WippyError that of the service; NotFound; Unavailable; Canceled; Invalid where it answers nothing
   */
  async ask(
    id: string,
    operation: string,
    input: LuaValue,
    caller: Caller,
  ): Promise<LuaValue> {
    const service = this.#find(id);
    while (this.#isAboutToStart(service)) await this.#changes.next(service, caller.signal);
    // One that stops still answers what is under way: a message that is settled, a body that is read.
    const { state, make } = service;
    const running = state === "stopping" ? service.running ?? make : this.running(id);
    if (running.answer) return await running.answer(operation, input, caller);
    throw new WippyError("Invalid", `service ${id} answers no ${operation}`, { retryable: false });
  }

  /** Whether it starts, or waits for what it requires, none of which has failed. */
  #isAboutToStart(service: Supervised): boolean {
    const { desired, state } = service;
    return desired === "running" && (state === "unknown" || state === "starting") &&
      ![...this.#waiting.values()].some((services) => services.has(service));
  }

  /** What the services that run count, each number with their identifier. */
  figures(): (Figure & { service: string })[] {
    return [...this.#services.values()].filter(({ state }) => state === "running")
      .flatMap(({ id, running, make }) =>
        ((running ?? make).figures?.() ?? []).map((figure) => ({ ...figure, service: id }))
      );
  }

  #find(id: string): Supervised {
    const service = this.#services.get(id);
    if (service) return service;
    throw new WippyError("NotFound", `no service ${id}`, { retryable: false });
  }

  /** Whether a service needs another one, over any number of others. */
  #needs(service: Supervised, other: Supervised, seen = new Set<Supervised>()): boolean {
    if (seen.has(service)) return false;
    seen.add(service);
    return service.requires.some((id) => {
      const required = this.#services.get(id);
      return required !== undefined &&
        (required === other || this.#needs(required, other, seen));
    });
  }

  /**
   * Starts services, each as soon as all that it requires run. Done when each of them has been tried; one whose
   * requirement failed and is tried again starts when that runs, later.
   */
  async #bringUp(roots: Supervised[]): Promise<void> {
    // Throws for a cycle, in which everything would wait for itself.
    const all = this.#levels(roots).flat();
    const needed = new Set<Supervised>();
    const need = (service: Supervised): void => {
      for (const id of service.requires) {
        const required = this.#services.get(id);
        if (!required || needed.has(required)) continue;
        needed.add(required);
        need(required);
      }
    };
    for (const service of all) if (service.lifecycle.startup === "required") need(service);
    const alone = all.filter(({ requires }) => requires.length === 0);
    const early = alone.filter((service) => service.early === true);
    const hosts = alone.filter(({ host }) => host === true);
    const tried = new Map<Supervised, Promise<Outcome>>();
    const tryOne = async (service: Supervised): Promise<Outcome> => {
      const required = service.requires.flatMap((id) => this.#services.get(id) ?? []);
      // Code that starts may use these without saying so.
      if (!early.includes(service)) {
        await Promise.all(early.map(tryOnce));
        if (service.host !== true) await Promise.all(hosts.map(tryOnce));
      }
      const outcomes = await Promise.all(required.map((other) => tryOnce(other)));
      service.desired = "running";
      const missing = (service.strict ?? []).find((id) => !this.#services.has(id)) ??
        required[outcomes.indexOf("blocked")]?.id;
      if (missing !== undefined) {
        this.#block(service, missing);
        return "blocked";
      }
      const awaited = required[outcomes.indexOf("waiting")];
      if (awaited) {
        this.#waiting.set(awaited, (this.#waiting.get(awaited) ?? new Set()).add(service));
        this.#enter(service, service.state, `waits for ${awaited.id}`);
        return "waiting";
      }
      if (service.state === "running") return "started";
      if (service.state === "starting") return "waiting";
      return await this.#start(
        service,
        service.lifecycle.startup === "required" || needed.has(service),
      );
    };
    const tryOnce = (service: Supervised): Promise<Outcome> => {
      const trying = tried.get(service) ?? tryOne(service);
      tried.set(service, trying);
      return trying;
    };
    const results = await Promise.allSettled(all.map(tryOnce));
    const fatal = results.find((result) => result.status === "rejected");
    if (fatal) throw fatal.reason;
  }

  /** A service that cannot start before the application is corrected. */
  #block(service: Supervised, missing: string): void {
    const text =
      `service startup blocked by missing dependencies: ${service.id} requires ${missing}`;
    this.#enter(service, "failed", text);
    this.#say("error", service, "is failed", { error: text });
  }

  /** Starts what waited for a service that runs now. */
  #release(service: Supervised): void {
    const waiting = this.#waiting.get(service);
    this.#waiting.delete(service);
    for (const other of waiting ?? []) {
      if (other.desired !== "running" || this.#stopping) continue;
      this.#bringUp([other]).catch((error) => {
        this.#say("error", other, "is failed", { error: WippyError.from(error).message });
      });
    }
  }

  /** Stops a service, if it runs, and forgets it. */
  async remove(id: string): Promise<void> {
    const service = this.#services.get(id);
    if (!service) return;
    service.retry?.();
    service.desired = "stopped";
    if (service.state === "running") await this.#stop(service);
    this.#services.delete(id);
  }

  /** Dependencies before dependents; the services of one level do not need each other. */
  #levels(roots: Supervised[]): Supervised[][] {
    const depth = new Map<string, number>();
    const visit = (service: Supervised, path: string[]): number => {
      if (path.includes(service.id)) {
        const cycle = [...path.slice(path.indexOf(service.id)), service.id].join(" → ");
        throw new WippyError(
          "Invalid",
          `failed to determine start dependency levels: services require each other in a circle: ${cycle}`,
          {
            retryable: false,
          },
        );
      }
      const known = depth.get(service.id);
      if (known !== undefined) return known;
      let level = 0;
      for (const id of service.requires) {
        const required = this.#services.get(id);
        if (required) level = Math.max(level, visit(required, [...path, service.id]) + 1);
      }
      depth.set(service.id, level);
      return level;
    };
    for (const root of roots) visit(root, []);
    const levels: Supervised[][] = [];
    for (const [id, level] of depth) {
      (levels[level] ??= []).push(this.#services.get(id)!);
    }
    return levels.map((level) => level ?? []);
  }

  /** @throws WippyError of a required host that cannot start */
  async #start(service: Supervised, required: boolean): Promise<Outcome> {
    this.#enter(service, "starting", `attempt ${service.attempt + 1}`);
    service.running = undefined;
    try {
      service.process = undefined;
      const { ended, process } = await this.#startInTime(service);
      service.process = process;
      this.#enter(service, "running");
      service.startedAt = this.#platform.precise();
      service.ended = ended.then(
        () => this.#exited(service),
        (error) => this.#failed(service, error),
      );
      this.#release(service);
      return "started";
    } catch (error) {
      // Only services whose start is the application's own code are retried; a host that cannot start is fatal.
      if (service.host === true && required) throw error;
      this.#failed(service, error);
      return service.retry ? "waiting" : "blocked";
    }
  }

  /** @throws WippyError Timeout; what starts later is ended */
  async #startInTime({ make, lifecycle }: Supervised): Promise<Started> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#platform.setTimer(lifecycle.start_timeout, () =>
      late.reject(
        new WippyError("Timeout", `service start timed out after ${lifecycle.start_timeout} ms`, {
          retryable: true,
        }),
      ));
    const starting = make.start();
    try {
      return await Promise.race([starting, late.promise]);
    } catch (error) {
      starting.then(() => make.kill()).catch(() => {});
      throw error;
    } finally {
      cancel();
    }
  }

  #exited(service: Supervised): void {
    if (service.state === "stopping") {
      this.#enter(service, "stopped");
      return;
    }
    this.#enter(service, "exited");
    this.#say("info", service, "is exited");
  }

  #failed(service: Supervised, error: unknown): void {
    if (service.state === "stopping") {
      this.#enter(service, "stopped");
      return;
    }
    const text = WippyError.from(error).message;
    if (isTerminal(error)) {
      this.#enter(service, "exited", text);
      this.#say("error", service, "is exited", failureFields(service, error));
      return;
    }
    const { restart, stable_threshold } = service.lifecycle;
    const stable = service.startedAt > 0 &&
      this.#platform.precise() - service.startedAt >= stable_threshold;
    service.attempt = stable ? 1 : service.attempt + 1;
    service.startedAt = 0;
    delete service.retry;
    this.#enter(service, "failed", text);
    if (restart.max_attempts !== 0 && service.attempt >= restart.max_attempts) {
      const fields = { ...failureFields(service, error), attempts: service.attempt };
      this.#say("error", service, "is failed", fields);
      return;
    }
    const jitter = 1 + restart.jitter * (this.#platform.random.fraction() * 2 - 1);
    const delay = restartDelay(restart, service.attempt) * jitter;
    const fields = { ...failureFields(service, error), restart_in_ms: Math.round(delay) };
    this.#say("error", service, "is failed", fields);
    service.retry = this.#platform.setTimer(delay, () => {
      if (service.desired === "running" && !this.#stopping) void this.#start(service, false);
    });
  }

  #say(
    level: "info" | "error",
    service: Supervised,
    what: string,
    fields: Record<string, unknown> = {},
  ): void {
    this.#log.log({
      level,
      time: this.#platform.now(),
      logger: "supervisor",
      message: `service ${service.id} ${what}`,
      fields,
    });
  }

  /** Stops everything that runs, dependents first, each within its `stop_timeout`. Never fails. */
  async stopAll(): Promise<void> {
    this.#stopping = true;
    for (const service of this.#services.values()) service.retry?.();
    const running = [...this.#services.values()].filter(({ state }) => state === "running");
    await this.#stopInOrder(running.filter(({ early }) => early !== true));
    await this.#stopInOrder(running.filter(({ early }) => early === true));
  }

  async #stopInOrder(running: Supervised[]): Promise<void> {
    for (const level of this.#levels(running).reverse()) {
      const ours = level.filter((service) =>
        service.state === "running" && running.includes(service)
      );
      await Promise.all(ours.map((service) => this.#stop(service)));
    }
  }

  async #stop(service: Supervised): Promise<void> {
    service.desired = "stopped";
    this.#enter(service, "stopping");
    const timeout = Promise.withResolvers<"late">();
    const { stop_timeout } = service.lifecycle;
    const cancel = this.#platform.setTimer(stop_timeout, () => timeout.resolve("late"));
    try {
      await (service.running ?? service.make).stop();
      const how = await Promise.race([service.ended.then(() => "ended"), timeout.promise]);
      if (how === "late") {
        await (service.running ?? service.make).kill();
        this.#enter(service, "failed", `stop timeout after ${service.lifecycle.stop_timeout} ms`);
        this.#say("error", service, "is failed", {
          error: `stop timeout after ${service.lifecycle.stop_timeout} ms`,
        });
      }
    } catch {
      // What is to be stopped is gone already.
      this.#enter(service, "stopped");
    } finally {
      cancel();
    }
  }
}
