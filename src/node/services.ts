import { machine } from "../surroundings/machine.ts";
import type { Surroundings } from "../surroundings/surroundings.ts";
import type { LogSink } from "../observe/log.ts";
import type { Lifecycle } from "../registry/lifecycle.ts";
import { WippyError } from "../vm/error.ts";

/** States of a service (spec app-and-cli §4.2). */
export type ServiceState =
  | "unknown"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "exited"
  | "failed";

/** Something that is started, may end by itself, and can be asked to stop. */
export interface Startable {
  /** Starts it. @returns a promise of its end: fulfilled when it ended well, rejected when it failed. */
  start(): Promise<{ ended: Promise<void> }>;
  /** Asks it to stop; its `ended` tells when it has. */
  stop(): Promise<void>;
  /** Ends it by force. */
  kill(): Promise<void>;
}

export interface ServiceDefinition {
  id: string;
  lifecycle: Lifecycle;
  /** Services that must run first. */
  requires: string[];
  make: Startable;
}

/** A service as tools show it. */
export type ServiceInfo = {
  id: string;
  status: ServiceState;
  desired: "running" | "stopped";
  retry_count: number;
  last_update: number;
  started_at: number;
  details?: string;
};

interface Service extends ServiceDefinition {
  state: ServiceState;
  desired: "running" | "stopped";
  attempt: number;
  startedAt: number;
  /** Nanoseconds since 1970 of the last change and the last start; 0: never. */
  changedAt: number;
  since: number;
  details: string | undefined;
  ended: Promise<void>;
  /** Calls the restart off. */
  retry?: () => void;
  /** What runs, where the definition was replaced since its start. */
  running?: Startable | undefined;
}

/** Whether an end is for good: cancellations and errors that say so (spec §4.3). */
function terminal(error: unknown): boolean {
  return error instanceof WippyError && (error.retryable === false || error.kind === "Canceled");
}

/** Milliseconds before restart `n` (from 1), without jitter. */
export function restartDelay(restart: Lifecycle["restart"], n: number): number {
  return Math.min(restart.max_delay, restart.initial_delay * restart.backoff_factor ** (n - 1));
}

/** Starts services in the order of their dependencies, restarts what fails, stops in reverse order. */
export class Services {
  readonly #services = new Map<string, Service>();
  readonly #log: LogSink;
  readonly #surroundings: Surroundings;
  #stopping = false;
  /** Told of every change of a service's state. */
  changed: (info: ServiceInfo) => void = () => {};

  constructor(log: LogSink, surroundings: Surroundings = machine) {
    this.#log = log;
    this.#surroundings = surroundings;
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
    });
  }

  /** Everything about a service that tools show, times in ns since 1970; undefined for an unknown one. */
  describe(id: string): ServiceInfo | undefined {
    const service = this.#services.get(id);
    return service && {
      id,
      status: service.state,
      desired: service.desired,
      retry_count: service.attempt,
      last_update: service.changedAt,
      started_at: service.since,
      ...(service.details !== undefined && { details: service.details }),
    };
  }

  /** `describe` of every service, sorted by identifier. */
  describeAll(): ServiceInfo[] {
    return [...this.#services.keys()].sort().map((id) => this.describe(id)!);
  }

  /** Every change of a state goes through here. */
  #enter(service: Service, state: ServiceState, details?: string): void {
    service.state = state;
    service.details = details;
    service.changedAt = Math.round(this.#surroundings.now() * 1e6);
    if (state === "running") service.since = service.changedAt;
    this.changed(this.describe(service.id)!);
  }

  /** State of a service; undefined for an unknown one. */
  state(id: string): ServiceState | undefined {
    return this.#services.get(id)?.state;
  }

  /**
   * Starts all services with `auto_start` and what they require, dependencies first.
   *
   * @throws WippyError Invalid for a cycle; the error of a host that cannot start
   */
  async startAll(): Promise<void> {
    const levels = this.#levels([...this.#services.values()].filter((s) => s.lifecycle.auto_start));
    for (const level of levels) {
      await Promise.all(level.map((service) => {
        service.desired = "running";
        return this.#start(service);
      }));
    }
  }

  /** Starts one service and what it requires, unless they run. */
  async start(id: string): Promise<void> {
    const root = this.#services.get(id);
    if (!root) throw new WippyError("NotFound", `no service ${id}`, { retryable: false });
    for (const level of this.#levels([root])) {
      await Promise.all(
        level.filter(({ state }) => state !== "running" && state !== "starting").map((service) => {
          service.desired = "running";
          return this.#start(service);
        }),
      );
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
  #levels(roots: Service[]): Service[][] {
    const depth = new Map<string, number>();
    const visit = (service: Service, path: string[]): number => {
      if (path.includes(service.id)) {
        const cycle = [...path.slice(path.indexOf(service.id)), service.id].join(" → ");
        throw new WippyError("Invalid", `services require each other in a circle: ${cycle}`, {
          retryable: false,
        });
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
    const levels: Service[][] = [];
    for (const [id, level] of depth) {
      (levels[level] ??= []).push(this.#services.get(id)!);
    }
    return levels.map((level) => level ?? []);
  }

  async #start(service: Service): Promise<void> {
    this.#enter(service, "starting", `attempt ${service.attempt + 1}`);
    service.running = undefined;
    try {
      const { ended } = await service.make.start();
      this.#enter(service, "running");
      service.startedAt = this.#surroundings.precise();
      service.ended = ended.then(
        () => this.#exited(service),
        (error) => this.#failed(service, error),
      );
    } catch (error) {
      // Only services whose start is the application's own code are retried; a host that cannot start is fatal.
      if (service.make instanceof HostStart) throw error;
      this.#failed(service, error);
    }
  }

  #exited(service: Service): void {
    if (service.state === "stopping") {
      this.#enter(service, "stopped");
      return;
    }
    this.#enter(service, "exited");
    this.#say("info", service, "is exited");
  }

  #failed(service: Service, error: unknown): void {
    if (service.state === "stopping") {
      this.#enter(service, "stopped");
      return;
    }
    const text = WippyError.from(error).message;
    if (terminal(error)) {
      this.#enter(service, "exited", text);
      this.#say("error", service, "is exited", { error: text });
      return;
    }
    const { restart, stable_threshold } = service.lifecycle;
    const stable = service.startedAt > 0 &&
      this.#surroundings.precise() - service.startedAt >= stable_threshold;
    service.attempt = stable ? 1 : service.attempt + 1;
    service.startedAt = 0;
    this.#enter(service, "failed", text);
    if (restart.max_attempts !== 0 && service.attempt >= restart.max_attempts) {
      this.#say("error", service, "is failed", { error: text, attempts: service.attempt });
      return;
    }
    const jitter = 1 + restart.jitter * (this.#surroundings.random.fraction() * 2 - 1);
    const delay = restartDelay(restart, service.attempt) * jitter;
    this.#say("error", service, "is failed", { error: text, restart_in_ms: Math.round(delay) });
    service.retry = this.#surroundings.setTimer(delay, () => {
      if (service.desired === "running" && !this.#stopping) void this.#start(service);
    });
  }

  #say(
    level: "info" | "error",
    service: Service,
    what: string,
    fields: Record<string, unknown> = {},
  ): void {
    this.#log.log({
      level,
      time: this.#surroundings.now(),
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
    for (const level of this.#levels(running).reverse()) {
      await Promise.all(level.filter(({ state }) => state === "running").map((s) => this.#stop(s)));
    }
  }

  async #stop(service: Service): Promise<void> {
    service.desired = "stopped";
    this.#enter(service, "stopping");
    const timeout = Promise.withResolvers<"late">();
    const { stop_timeout } = service.lifecycle;
    const cancel = this.#surroundings.setTimer(stop_timeout, () => timeout.resolve("late"));
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

/** A host: it starts or not, and does not end by itself. */
export class HostStart implements Startable {
  readonly #open: () => Promise<void>;
  readonly #close: () => Promise<void>;
  #ended = Promise.withResolvers<void>();

  constructor(open: () => Promise<void>, close: () => Promise<void>) {
    this.#open = open;
    this.#close = close;
  }

  async start(): Promise<{ ended: Promise<void> }> {
    await this.#open();
    return { ended: this.#ended.promise };
  }

  async stop(): Promise<void> {
    await this.#close();
    this.#ended.resolve();
  }

  async kill(): Promise<void> {}
}
