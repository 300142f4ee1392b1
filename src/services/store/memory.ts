import type { Platform } from "../../platform/platform.ts";
import { WippyError } from "../../vm/error.ts";
import { unmet } from "./requests.ts";

/** What is stored under a key. */
export interface Item {
  key: string;
  /** Packed (`src/vm/codec.ts`), so that nobody shares it. */
  value: Uint8Array;
  version: string;
}

/** How a value is put. */
export interface PutOptions {
  /** Milliseconds after which it is gone; 0: never. */
  ttl: number;
  onlyIfAbsent?: boolean;
  ifVersion?: string;
}

interface Stored extends Item {
  /** Milliseconds since 1970; 0: never. */
  expires: number;
}

/** Keys and values in memory. What has expired is not seen, whether it was removed yet or not. */
export class MemoryStore {
  readonly #items = new Map<string, Stored>();
  readonly #platform: Pick<Platform, "now" | "setTimer">;
  readonly #most: number;
  readonly #interval: number;
  #version = 0;
  #cleaning: (() => void) | undefined;

  /** @param most keys @param interval milliseconds between two removals of what has expired */
  constructor(platform: Pick<Platform, "now" | "setTimer">, most: number, interval: number) {
    this.#platform = platform;
    this.#most = most;
    this.#interval = interval;
  }

  get(key: string): Item | undefined {
    const item = this.#items.get(key);
    return item && !this.#expired(item) ? item : undefined;
  }

  /** @throws WippyError AlreadyExists, NotFound, Conflict (retryable), Unavailable (retryable) when it is full */
  put(key: string, value: Uint8Array, { ttl, onlyIfAbsent, ifVersion }: PutOptions): Item {
    const present = this.get(key);
    if (onlyIfAbsent && present) throw unmet.exists(key);
    if (ifVersion !== undefined && !present) throw unmet.missing(key);
    if (ifVersion !== undefined && present && present.version !== ifVersion) {
      throw unmet.changed(key, present.version, ifVersion);
    }
    if (!this.#items.has(key) && this.#items.size >= this.#most) {
      this.#clean();
      if (this.#items.size >= this.#most) {
        const message = `store is full: it has ${this.#most} keys`;
        throw new WippyError("Unavailable", message, { retryable: true });
      }
    }
    this.#version += 1;
    const expires = ttl === 0 ? 0 : this.#platform.now() + ttl;
    const item = { key, value, version: String(this.#version), expires };
    this.#items.set(key, item);
    if (expires > 0) this.#cleanLater();
    return item;
  }

  /** Whether there was one. */
  delete(key: string): boolean {
    const present = this.get(key) !== undefined;
    this.#items.delete(key);
    return present;
  }

  /** At most `limit` items in the order of their keys, from behind `after` on. */
  list(prefix: string, after: string, limit: number): Item[] {
    const keys = [...this.#items.values()]
      .filter((item) => item.key.startsWith(prefix) && item.key > after && !this.#expired(item))
      .map(({ key }) => key).sort();
    return keys.slice(0, limit).map((key) => this.#items.get(key)!);
  }

  /** Keys, with those that have expired and are not removed yet. */
  get size(): number {
    return this.#items.size;
  }

  /** Forgets everything. */
  clear(): void {
    this.#cleaning?.();
    this.#cleaning = undefined;
    this.#items.clear();
  }

  #expired({ expires }: Stored): boolean {
    return expires > 0 && expires <= this.#platform.now();
  }

  #clean(): void {
    for (const [key, item] of this.#items) if (this.#expired(item)) this.#items.delete(key);
  }

  /** Once, while something is there that will expire. */
  #cleanLater(): void {
    this.#cleaning ??= this.#platform.setTimer(this.#interval, () => {
      this.#cleaning = undefined;
      this.#clean();
      if ([...this.#items.values()].some(({ expires }) => expires > 0)) this.#cleanLater();
    });
  }
}
