import { Client, type ClientConfig } from "pg";
import { RowPacker } from "../../../vm/rows.ts";
import type { SqlValue } from "../driver.ts";
import type { DirectLink } from "../direct/direct.ts";
import type { DirectMemory } from "../direct/memory.ts";
import { ReplySender, unpackQueries } from "../direct/messages.ts";
import type { ReaderOptions } from "../server.ts";
import { cancelQuery } from "./cancel.ts";
import { columnsOf, int32, packRow } from "./decoder.ts";
import { Encoder } from "./encoder.ts";
import { isQuick, type PreparedRead, PreparedReads } from "./prepared-reads.ts";
import { connectionOf } from "./wire.ts";

/** Milliseconds in which a quick query is done. */
const quick = 5;
/** Milliseconds after which one is slow, and that it may run on when nobody waits for it any more. */
const patience = 10;

/** A query of a worker. */
interface Query {
  readonly asker: Asker;
  /** Its number among those of the worker. */
  readonly number: number;
  readonly read: PreparedRead;
  /** Whether the server sends all values as texts. */
  readonly asTexts: boolean;
  /** Whether the worker cannot take it back any more. */
  claimed: boolean;
}

/** A worker, and its queries from the first one that is not answered: the rows, or nothing where the node is asked. */
interface Asker {
  readonly port: MessagePort;
  readonly memory: DirectMemory;
  readonly answers: ("open" | Uint8Array | undefined)[];
  /** The number of the first of these. */
  first: number;
}

/** Queries that are one transaction, and that the server answers together. */
interface Group {
  readonly queries: Query[];
  /** How many are done. */
  done: number;
}

/** What a {@link PostgresReader} is given. */
export interface PostgresReaderOptions extends ReaderOptions {
  /** Milliseconds after which the connection takes nothing new. */
  lifetime: number;
}

const code = (letter: string): number => letter.charCodeAt(0);
/** Messages of the server, by their first byte. */
const MESSAGE = {
  row: code("D"),
  complete: code("C"),
  empty: code("I"),
  description: code("T"),
  ready: code("Z"),
  error: code("E"),
} as const;

/**
 * A connection to PostgreSQL that only reads, and on which queries of workers run one behind the other: they are sent
 * without waiting for the answers to those before, and those that are known to be quick as one transaction. Where one
 * fails, and for what fails with it, the node is asked.
 */
export class PostgresReader implements DirectLink {
  readonly #client: Client;
  readonly #config: ClientConfig;
  readonly #options: PostgresReaderOptions;
  readonly #opened: number;
  readonly #askers = new Map<number, Asker>();
  readonly #encoder = new Encoder();
  readonly #reads = new PreparedReads(this.#encoder);
  readonly #packer = new RowPacker();
  readonly #replies = new ReplySender();
  /** What the server has. */
  readonly #groups: Group[] = [];
  /** When it came to the first of these. */
  #begun = 0;
  /** Of the query that runs. */
  #rows = 0;
  #tooLarge = false;
  /** The group of which somebody looks whether it still runs. */
  #watched: Group | undefined;
  /** The beginning of a message, and how many bytes it needs at least. */
  #parts: Buffer[] = [];
  #arrived = 0;
  #needed = 0;
  #closed = false;

  private constructor(config: ClientConfig, options: PostgresReaderOptions) {
    this.#client = new Client(config);
    this.#config = config;
    this.#options = options;
    this.#opened = options.platform.precise();
  }

  /**
   * Connects and logs in.
   *
   * @param config of a session that only reads
   * @throws what the server or the network says
   */
  static async open(config: ClientConfig, options: PostgresReaderOptions): Promise<PostgresReader> {
    const reader = new PostgresReader(config, options);
    await reader.#open();
    return reader;
  }

  async #open(): Promise<void> {
    // Before that it rejects `connect`.
    this.#client.on("error", () => this.#end());
    try {
      await this.#client.connect();
      // A proxy may not have passed on that it only reads, texts may be no UTF-8, and what is read in the binary format
      // must be what other connections read of texts.
      const { rows: [settings] } = await this.#client.query<{ fit: boolean }>(
        `SELECT current_setting('default_transaction_read_only') = 'on'
          AND current_setting('server_encoding') <> 'SQL_ASCII'
          AND current_setting('bytea_output') = 'hex'
          AND current_setting('extra_float_digits')::int > 0 AS fit`,
      );
      if (!settings?.fit) throw new Error("the session is not fit for reading");
    } catch (error) {
      this.#closed = true;
      connectionOf(this.#client).end();
      throw error;
    }
    this.#client.on("end", () => this.#end());
    const { stream } = connectionOf(this.#client);
    // The client has done its part.
    stream.removeAllListeners("data");
    stream.on("data", (bytes: Buffer) => this.#received(bytes));
  }

  attach(worker: number, port: MessagePort, memory: DirectMemory): void {
    if (this.#closed) return port.postMessage("closed");
    const asker: Asker = { port, memory, answers: [], first: 0 };
    this.#askers.set(worker, asker);
    port.onmessage = ({ data }: MessageEvent<Uint8Array>) => {
      if (data.length > 0) this.#take(asker, data);
      else this.#watch();
    };
  }

  detach(worker: number): void {
    this.#askers.get(worker)?.port.close();
    this.#askers.delete(worker);
    this.#watch();
  }

  get #isOld(): boolean {
    const { platform, lifetime } = this.#options;
    return platform.precise() - this.#opened >= lifetime;
  }

  /** Sends queries of a worker. */
  #take(asker: Asker, data: Uint8Array): void {
    if (this.#closed) return;
    const isOld = this.#isOld;
    let group: Group | undefined;
    const close = () => {
      if (group) this.#encoder.sync();
      group = undefined;
    };
    for (const [sql, ...params] of unpackQueries(data)) {
      if (isOld || this.#reads.refuses(sql)) {
        asker.answers.push(undefined);
        continue;
      }
      const known = this.#reads.get(sql);
      const alone = !known || !isQuick(known);
      if (alone) close();
      group ??= this.#begin();
      this.#send(asker, known ?? this.#reads.add(sql), params, group);
      if (alone) close();
    }
    close();
    const messages = this.#encoder.take();
    if (messages.length > 0) connectionOf(this.#client).stream.write(messages);
    this.#claim();
    this.#answer(asker);
    if (isOld && this.#groups.length === 0) this.#end();
  }

  #begin(): Group {
    const group: Group = { queries: [], done: 0 };
    if (this.#groups.length === 0) this.#begun = this.#options.platform.precise();
    this.#groups.push(group);
    return group;
  }

  #send(asker: Asker, read: PreparedRead, params: SqlValue[], { queries }: Group): void {
    const number = asker.first + asker.answers.length;
    asker.answers.push("open");
    queries.push({ asker, number, read, asTexts: read.columns === undefined, claimed: false });
    this.#encoder.run(read.name, params, read.formats);
  }

  /** Of a query that is alone in its group it is known when it runs. */
  #claim(): void {
    const [query, ...others] = this.#groups[0]?.queries ?? [];
    if (query && others.length === 0) query.claimed ||= query.asker.memory.claim(query.number);
    this.#watch();
  }

  /** Stops what runs, if nobody waits for it, and it is not done soon. */
  #watch(): void {
    const [group] = this.#groups;
    const isUnwanted = () =>
      group?.queries.every(({ asker, number }, at) =>
        at < group.done || asker.memory.isStopped(number)
      );
    if (!group || group === this.#watched || !isUnwanted()) return;
    this.#watched = group;
    this.#options.platform.setTimer(patience, () => {
      if (this.#groups[0] !== group || this.#closed) return;
      cancelQuery(this.#client, this.#config);
      this.#end();
    });
  }

  #received(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#arrived += bytes.length;
    if (this.#arrived < this.#needed || this.#closed) return;
    const whole = this.#parts.length === 1 ? bytes : Buffer.concat(this.#parts);
    let at = 0;
    this.#needed = 5;
    while (whole.length - at >= 5) {
      const length = 1 + int32(whole, at + 1);
      if (whole.length - at < length) {
        this.#needed = length;
        break;
      }
      this.#message(whole[at]!, whole, at + 5);
      at += length;
    }
    this.#arrived = whole.length - at;
    this.#parts = this.#arrived > 0 ? [whole.subarray(at)] : [];
    for (const asker of this.#askers.values()) this.#answer(asker);
  }

  #message(type: number, bytes: Buffer, at: number): void {
    const [group] = this.#groups;
    // Such as that the server shuts down: the end of the connection follows.
    if (!group) return;
    const query = group.queries[group.done];
    switch (type) {
      case MESSAGE.row:
        if (query) this.#row(query, bytes, at);
        break;
      case MESSAGE.complete:
      case MESSAGE.empty:
        if (query) this.#complete(query);
        group.done += 1;
        break;
      case MESSAGE.description:
        if (query) describe(query.read, bytes, at);
        break;
      case MESSAGE.error:
        // The server passes over the rest.
        if (query) this.#reads.failed(query.read);
        for (const left of group.queries.slice(group.done)) this.#settle(left, undefined);
        group.done = group.queries.length;
        this.#forgetRows();
        break;
      case MESSAGE.ready:
        this.#ready(group);
    }
  }

  #row({ read, asTexts }: Query, bytes: Buffer, at: number): void {
    if (this.#tooLarge) return;
    try {
      packRow(this.#packer, read.columns ?? [], asTexts, bytes, at);
      this.#rows += 1;
    } catch {
      // The node finds the same, and says so.
      this.#tooLarge = true;
    }
  }

  #complete(query: Query): void {
    let rows: Uint8Array | undefined;
    try {
      if (!this.#tooLarge) rows = this.#packer.finish(query.read.names, this.#rows);
    } catch {
      // As above.
    }
    this.#forgetRows();
    this.#reads.succeeded(query.read);
    this.#settle(query, rows);
  }

  #forgetRows(): void {
    this.#packer.reset();
    this.#rows = 0;
    this.#tooLarge = false;
  }

  #settle({ asker, number, claimed }: Query, rows: Uint8Array | undefined): void {
    const { memory } = asker;
    const isWanted = claimed ? !memory.isStopped(number) : memory.claim(number);
    asker.answers[number - asker.first] = isWanted ? rows : undefined;
    if (isWanted && rows) memory.answered += 1;
  }

  /** The server comes to the next group. */
  #ready(group: Group): void {
    const now = this.#options.platform.precise();
    const took = now - this.#begun;
    this.#begun = now;
    for (const { read } of group.queries) {
      if (took > patience) read.quick = 0;
      else if (took < quick && group.queries.length === 1) read.quick += 1;
    }
    this.#groups.shift();
    this.#claim();
    if (this.#groups.length === 0 && this.#isOld) this.#end();
  }

  /** Sends a worker the answers that are ready, in the order of its queries. */
  #answer(asker: Asker): void {
    const { answers, port } = asker;
    let count = 0;
    for (const rows of answers) {
      if (rows === "open") break;
      count += 1;
      this.#replies.send(port, rows);
    }
    this.#replies.flush(port);
    answers.splice(0, count);
    asker.first += count;
  }

  /** The connection is of no use any more. */
  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    const connection = connectionOf(this.#client);
    connection.end();
    connection.stream.destroy();
    for (const { port } of this.#askers.values()) port.close();
    this.#options.ended(this);
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    for (const { port } of this.#askers.values()) port.postMessage("closed");
    this.#end();
  }

  kill(): void {
    this.#end();
  }
}

function describe(read: PreparedRead, bytes: Buffer, at: number): void {
  read.columns = columnsOf(bytes, at);
  read.names = read.columns.map(({ name }) => name);
  read.formats = read.columns.map(({ format }) => format);
}
