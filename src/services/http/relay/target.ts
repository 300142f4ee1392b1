import { formatDuration } from "../../../registry/duration.ts";
import { WippyError } from "../../../vm/error.ts";
import type { LuaValue } from "../../../vm/value.ts";
import type { ServiceContext, ServiceUnit } from "../../context.ts";
import type { RelaySettings } from "./settings.ts";

/** Milliseconds until a message that a busy target did not take is sent again. */
const retryDelay = 50;
/** Milliseconds between heartbeats, unless the settings say so. */
const heartbeatByDefault = 30_000;

/** How a connection speaks of itself. */
export interface TargetOptions {
  /** Beginning of the topics: `ws`, `sse`. */
  prefix: string;
  /** Messages that wait for a busy target at most. */
  limit: number;
  /** What a heartbeat counts. */
  messages(): number;
  /** With every heartbeat. */
  beat(): void;
  /** The target has ended. */
  gone(): void;
  /** The target does not take a message. */
  refused(error: WippyError): void;
  /** Whether heartbeats carry the metadata. */
  describes: boolean;
}

/** The process to which a connection belongs: it hears that the connection begins, lives and ends. */
export class Target {
  readonly #context: ServiceContext;
  readonly #unit: ServiceUnit;
  readonly #options: TargetOptions;
  readonly #since: number;
  #pid: string | undefined;
  #metadata: LuaValue;
  #interval = heartbeatByDefault;
  #cancelBeat: () => void = () => {};
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(context: ServiceContext, unit: ServiceUnit, options: TargetOptions) {
    this.#context = context;
    this.#unit = unit;
    this.#options = options;
    this.#since = context.platform.precise();
  }

  get pid(): string | undefined {
    return this.#pid;
  }

  get metadata(): LuaValue {
    return this.#metadata;
  }

  /** Takes settings over: another target is joined, and the one before hears that the connection has left. */
  apply({ target, metadata, heartbeat }: RelaySettings): void {
    const moves = target !== undefined && target !== (this.#pid ?? "");
    if (moves) this.#leave();
    if (metadata !== undefined) this.#metadata = metadata;
    if (heartbeat !== undefined) this.#interval = heartbeat;
    if (moves && target !== "") this.#join(target);
    if (moves || heartbeat !== undefined) this.#schedule();
  }

  /** Begins without a target, or with the one of the settings. */
  start(settings: RelaySettings): void {
    this.apply(settings);
    this.#schedule();
  }

  #described(): Record<string, LuaValue> {
    return { client_pid: this.#unit.pid, metadata: this.#metadata };
  }

  #join(pid: string): void {
    this.#pid = pid;
    const topic = `${this.#options.prefix}.join`;
    this.#queue(async () => {
      await this.#insist(pid, () => this.#unit.monitor(pid));
      await this.#insist(pid, () => this.#unit.send(pid, topic, [this.#described()]));
    });
  }

  #leave(): void {
    const pid = this.#pid;
    if (pid === undefined) return;
    this.#pid = undefined;
    this.#unit.demonitor(pid);
    const described = this.#described();
    // After what was sent before; nobody is told when it cannot be delivered.
    this.#turn = this.#turn.then(() =>
      this.#unit.send(pid, `${this.#options.prefix}.leave`, [described])
    ).catch(() => {});
  }

  /** Sends a message, after those before. Returns false when too many wait. */
  post(topic: string, value: LuaValue): boolean {
    if (this.#waiting >= this.#options.limit) return false;
    const pid = this.#pid;
    const send = (to: string) => this.#unit.send(to, topic, [value]);
    if (pid !== undefined) this.#queue(() => this.#insist(pid, () => send(pid)));
    return true;
  }

  /** Asks a target again that cannot do something now: its mailbox is full, or its worker stands still. */
  async #insist(pid: string, work: () => Promise<void>): Promise<void> {
    while (this.#pid === pid) {
      try {
        return await work();
      } catch (error) {
        const failure = WippyError.from(error);
        if (failure.retryable !== true) throw failure;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#context.platform.setTimer(retryDelay, resolve);
        await promise;
      }
    }
  }

  #queue(work: () => Promise<void>): void {
    const pid = this.#pid;
    this.#waiting += 1;
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      if (this.#closed || pid !== this.#pid) return;
      const failure = WippyError.from(error);
      // A process that cannot be watched or reached is none.
      if (failure.kind === "NotFound" || failure.kind === "Internal") this.#options.gone();
      else this.#options.refused(failure);
    }).finally(() => {
      this.#waiting -= 1;
    });
  }

  /** Whether what has ended is the target. */
  is(pid: string): boolean {
    return this.#pid === pid;
  }

  #schedule(): void {
    this.#cancelBeat();
    if (this.#interval <= 0 || this.#closed) return;
    this.#cancelBeat = this.#context.platform.setTimer(this.#interval, () => {
      const { prefix, messages, describes } = this.#options;
      const uptime = formatDuration(Math.round(this.#context.platform.precise() - this.#since));
      this.post(`${prefix}.heartbeat`, {
        client_pid: this.#unit.pid,
        uptime,
        message_count: messages(),
        ...(describes && { metadata: this.#metadata }),
      });
      this.#options.beat();
      this.#schedule();
    });
  }

  /** The connection has ended. @param told whether the target hears of it */
  close(told: boolean): void {
    if (this.#closed) return;
    if (told) this.#leave();
    this.#pid = undefined;
    this.#closed = true;
    this.#cancelBeat();
  }
}
