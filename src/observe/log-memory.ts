import type { LogLevel, LogRecord, LogSink } from "./log.ts";

/** A record with its number, which grows by one for each. */
export interface KeptRecord extends LogRecord {
  id: number;
}

/** Which records are wanted. */
export interface LogQuery {
  /** This level and above. */
  level?: LogLevel;
  /** Text that the message, the logger or a field holds, in any case of letters. */
  text?: string;
  /** PID or entry that logged it. */
  unit?: string;
  /** Only later ones than this number. */
  after?: number;
  /** Only earlier ones than this number. */
  before?: number;
  /** The newest that many; 100 when absent. */
  limit?: number;
}

const order: readonly LogLevel[] = ["debug", "info", "warn", "error"];
/** Characters of a record's fields that are looked at for a text. */
const searched = 2000;

/** Whether a record is wanted. */
export function wantsRecord(query: LogQuery, record: LogRecord): boolean {
  if (query.level && order.indexOf(record.level) < order.indexOf(query.level)) return false;
  const { pid, entry, id } = record.fields;
  if (query.unit !== undefined && ![record.logger, pid, entry, id].includes(query.unit)) {
    return false;
  }
  if (query.text === undefined || query.text === "") return true;
  const fields = Object.entries(record.fields).map(([key, value]) => `${key}=${String(value)}`);
  const all = `${record.message} ${record.logger} ${fields.join(" ").slice(0, searched)}`;
  return all.toLowerCase().includes(query.text.toLowerCase());
}

/** Keeps the last records for who looks later, and hands new ones to who looks now. */
export class LogMemory implements LogSink {
  readonly #kept: KeptRecord[] = [];
  readonly #size: number;
  readonly #next: LogSink;
  readonly #listeners = new Set<(record: KeptRecord) => void>();
  #last = 0;

  /**
   * @param next gets every record too
   * @param size records kept
   */
  constructor(next: LogSink, size = 5000) {
    this.#next = next;
    this.#size = size;
  }

  log(record: LogRecord): void {
    const kept = { ...record, id: ++this.#last };
    const place = (kept.id - 1) % this.#size;
    this.#kept[place] = kept;
    this.#next.log(record);
    for (const listener of this.#listeners) listener(kept);
  }

  /** Number of the newest record; 0 while there is none. */
  get last(): number {
    return this.#last;
  }

  /** The newest records that are wanted, oldest first. */
  find(query: LogQuery): KeptRecord[] {
    const { limit = 100, after = 0, before = this.#last + 1 } = query;
    const found: KeptRecord[] = [];
    const oldest = Math.max(after + 1, this.#last - this.#size + 1, 1);
    for (let id = Math.min(before - 1, this.#last); id >= oldest && found.length < limit; id--) {
      const record = this.#kept[(id - 1) % this.#size];
      if (record && wantsRecord(query, record)) found.push(record);
    }
    return found.reverse();
  }

  /** Calls a listener with each record from now on. @returns what ends it */
  follow(listener: (record: KeptRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
