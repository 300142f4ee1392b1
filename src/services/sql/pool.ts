import type { Platform } from "../../platform/platform.ts";
import { WippyError } from "../../vm/error.ts";
import type { Outcome, PoolFigures, PoolSettings, Statement } from "./driver.ts";

/** One connection to a server. It runs one statement after the other. */
export interface Link {
  /**
   * Runs a statement. After an abort the server stops it, and the link is broken.
   *
   * @throws WippyError; Canceled after an abort
   */
  run(statement: Statement, signal?: AbortSignal): Promise<Outcome>;
  /** Whether a transaction is open. */
  readonly inTransaction: boolean;
  /** Whether it is of no use any more. */
  readonly broken: boolean;
  /** Ends it at once; what runs on it fails, and the server rolls an open transaction back. */
  close(): void;
}

/** Whoever waits for a connection. */
interface Waiter {
  /** Returns false when it waits no more. */
  take(link: Link): boolean;
  fail(error: unknown): void;
}

const canceled = () => new WippyError("Canceled", "canceled", { retryable: false });
const closed = () => new WippyError("Unavailable", "the database is closed", { retryable: true });

/** The connections to one server. Calls beyond `max_open` wait in their order, as long as their callers do. */
export class Pool {
  readonly #connect: () => Promise<Link>;
  #settings: PoolSettings;
  readonly #platform: Pick<Platform, "precise" | "setTimer">;
  /** When each link was opened. */
  readonly #links = new Map<Link, number>();
  readonly #idle: Link[] = [];
  readonly #waiting: Waiter[] = [];
  #opening = 0;
  /** Places that connections have which are none of the pool's. */
  #reserved = 0;
  #open = false;
  #stopCleaning: (() => void) | undefined;
  #waits = 0;
  #waited = 0;
  #closedIdle = 0;
  #closedOld = 0;

  /** @param connect opens a connection; throws WippyError Unavailable */
  constructor(
    connect: () => Promise<Link>,
    settings: PoolSettings,
    platform: Pick<Platform, "precise" | "setTimer">,
  ) {
    this.#connect = connect;
    this.#settings = settings;
    this.#platform = platform;
  }

  get settings(): PoolSettings {
    return this.#settings;
  }

  /** Replaces the settings: waiting callers may get connections, and surplus or old idle connections are closed. */
  set settings(settings: PoolSettings) {
    this.#settings = settings;
    while (this.#idle.length > settings.max_idle) {
      this.#closedIdle += 1;
      this.#drop(this.#idle.shift()!);
    }
    for (let waiting = this.#waiting.length; waiting > 0; waiting -= 1) this.#serveNext();
    this.#stopCleaning?.();
    this.#stopCleaning = undefined;
    this.#cleanLater();
  }

  /** Shows that the server is there. @throws WippyError Unavailable */
  async open(): Promise<void> {
    this.#open = true;
    try {
      this.give(await this.#add());
    } catch (error) {
      this.#open = false;
      throw error;
    }
  }

  /** Ends all connections. */
  close(): void {
    this.#open = false;
    this.#stopCleaning?.();
    this.#stopCleaning = undefined;
    for (const waiter of this.#waiting.splice(0)) waiter.fail(closed());
    this.#idle.length = 0;
    for (const link of [...this.#links.keys()]) this.#drop(link);
  }

  /**
   * A connection for the caller alone, who gives it back.
   *
   * @throws WippyError Unavailable; Canceled after an abort
   */
  async take(signal?: AbortSignal): Promise<Link> {
    if (!this.#open) throw closed();
    if (signal?.aborted) throw canceled();
    const idle = this.#takeIdle();
    if (idle) return idle;
    if (this.#isFull) return await this.#wait(signal);
    const opened = this.#add();
    if (!signal) return await opened;
    // Whoever has gone leaves the connection to others.
    const abort = Promise.withResolvers<never>();
    abort.promise.catch(() => {});
    const leave = () => abort.reject(canceled());
    signal.addEventListener("abort", leave);
    try {
      return await Promise.race([opened, abort.promise]);
    } catch (error) {
      if (signal.aborted) opened.then((link) => this.give(link), () => {});
      throw error;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  get #isFull(): boolean {
    const { max_open } = this.#settings;
    return max_open > 0 && this.#links.size + this.#opening + this.#reserved >= max_open;
  }

  /**
   * Keeps a place for a connection that is none of the pool's and stays open, if enough are left. For that an idle
   * connection may be closed.
   */
  reserve(): boolean {
    const { max_open, max_idle } = this.#settings;
    const wanted = this.#reserved + 1;
    // A third of all at most, and one stays idle.
    if (!this.#open || max_idle <= wanted || max_open > 0 && max_open < wanted * 3) return false;
    if (this.#isFull) {
      const idle = this.#idle.shift();
      if (!idle) return false;
      this.#links.delete(idle);
      idle.close();
    }
    this.#reserved = wanted;
    return true;
  }

  /** Gives such a place back. */
  free(): void {
    this.#reserved -= 1;
    this.#serveNext();
  }

  /** Takes a connection back; it must have no transaction open. */
  give(link: Link): void {
    if (!this.#links.has(link)) return;
    if (link.broken || !this.#open) return this.#drop(link);
    if (this.#isOld(link)) {
      this.#closedOld += 1;
      return this.#drop(link);
    }
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (next.take(link)) return;
    }
    if (this.#idle.length + this.#reserved >= this.#settings.max_idle) {
      this.#closedIdle += 1;
      return this.#drop(link);
    }
    this.#idle.push(link);
    this.#cleanLater();
  }

  figures(): PoolFigures {
    return {
      max: this.#settings.max_open,
      open: this.#links.size,
      inUse: this.#links.size - this.#idle.length,
      waits: this.#waits,
      waited: this.#waited,
      closedIdle: this.#closedIdle,
      closedOld: this.#closedOld,
    };
  }

  async #add(): Promise<Link> {
    let link: Link;
    this.#opening += 1;
    try {
      link = await this.#connect();
    } catch (error) {
      this.#opening -= 1;
      // Whoever waits for room has it now, and may be luckier.
      this.#serveNext();
      throw error;
    }
    this.#opening -= 1;
    if (!this.#open) {
      link.close();
      throw closed();
    }
    this.#links.set(link, this.#platform.precise());
    return link;
  }

  #takeIdle(): Link | undefined {
    for (let link = this.#idle.pop(); link; link = this.#idle.pop()) {
      const old = this.#isOld(link);
      if (!old && !link.broken) return link;
      if (old) this.#closedOld += 1;
      this.#drop(link);
    }
    return undefined;
  }

  #isOld(link: Link): boolean {
    return this.#platform.precise() - (this.#links.get(link) ?? 0) >= this.#settings.max_lifetime;
  }

  #drop(link: Link): void {
    this.#links.delete(link);
    link.close();
    this.#serveNext();
  }

  /** Opens a connection for whoever waits first, when there is room again. */
  #serveNext(): void {
    if (!this.#open || this.#isFull) return;
    const next = this.#waiting.shift();
    next && this.#add().then(
      (link) => {
        if (!next.take(link)) this.give(link);
      },
      (error) => next.fail(error),
    );
  }

  async #wait(signal?: AbortSignal): Promise<Link> {
    const turn = Promise.withResolvers<Link>();
    let waits = true;
    const waiter: Waiter = {
      take(link) {
        if (waits) turn.resolve(link);
        return waits;
      },
      fail: (error) => turn.reject(error),
    };
    const leave = () => {
      waits = false;
      const at = this.#waiting.indexOf(waiter);
      if (at >= 0) this.#waiting.splice(at, 1);
      turn.reject(canceled());
    };
    this.#waiting.push(waiter);
    signal?.addEventListener("abort", leave);
    const begun = this.#platform.precise();
    try {
      return await turn.promise;
    } finally {
      waits = false;
      signal?.removeEventListener("abort", leave);
      this.#waits += 1;
      this.#waited += this.#platform.precise() - begun;
    }
  }

  /** Closes idle connections when they are too old. */
  #cleanLater(): void {
    if (this.#stopCleaning || this.#idle.length === 0) return;
    const oldest = Math.min(...this.#idle.map((link) => this.#links.get(link) ?? 0));
    const delay = Math.max(1, oldest + this.#settings.max_lifetime - this.#platform.precise());
    this.#stopCleaning = this.#platform.setTimer(delay, () => {
      this.#stopCleaning = undefined;
      for (const link of this.#idle.filter((each) => this.#isOld(each))) {
        this.#idle.splice(this.#idle.indexOf(link), 1);
        this.#closedOld += 1;
        this.#drop(link);
      }
      this.#cleanLater();
    });
  }
}
