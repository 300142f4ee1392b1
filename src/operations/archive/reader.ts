import { WippyError } from "../../vm/error.ts";
import type { Closable } from "../resources.ts";
import { type Entry, EntryReader } from "./entry.ts";
import { type Format, formatOfBytes, formatOfName, invalid, magicBytes } from "./format.ts";
import { Budget, type Options } from "./options.ts";
import type { Source } from "./source.ts";

/** An archive that is read. */
export class Reader implements Closable {
  readonly format: Format;
  readonly budget: Budget;
  readonly #source: Source;
  #zip: Promise<Entry[]> | undefined;
  #names: Promise<Map<string, Entry>> | undefined;

  /** Use `open`. */
  constructor(source: Source, format: Format, options: Options) {
    this.#source = source;
    this.format = format;
    this.budget = new Budget(options);
  }

  /**
   * Opens an archive, which then owns the source.
   *
   * @param name of the file, whose ending tells the format when the content does not
   * @throws WippyError Invalid
   */
  static async open(source: Source, options: Options, name = ""): Promise<Reader> {
    try {
      const format = options.format ?? formatOfBytes(await source.read(0, magicBytes)) ??
        formatOfName(name);
      if (!format) throw invalid("unknown format; give format: zip, tar, tar.gz or tar.zst");
      const reader = new Reader(source, format, options);
      // What is no archive is refused at once.
      if (format === "zip") await reader.#entriesOfZip();
      return reader;
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  #entriesOfZip(): Promise<Entry[]> {
    this.#zip ??= import("./zip.ts").then(({ readZip }) => readZip(this.#source, this.budget));
    return this.#zip;
  }

  /** The entries in their order; the content of each can be read until the next one is asked for. */
  async *walk(budget: Budget = this.budget): AsyncGenerator<Entry> {
    if (this.format === "zip") {
      yield* await this.#entriesOfZip();
      return;
    }
    const { walkTar } = await import("./tar.ts");
    yield* walkTar(this.#source, this.format, budget);
  }

  /** An entry by its name. @throws WippyError NotFound, Unavailable where a stream has to be read from its start */
  async find(name: string): Promise<Entry> {
    if (this.format === "tar.gz" || this.format === "tar.zst") {
      const message =
        `archive: ${this.format} has no random access; walk through it with scan, entries or extract_all`;
      throw new WippyError("Unavailable", message, { retryable: false });
    }
    if (this.format === "zip") {
      this.#names ??= this.#entriesOfZip().then((entries) =>
        new Map(entries.map((entry) => [entry.info.name, entry]))
      );
      const entry = (await this.#names).get(name);
      if (entry) return entry;
    } else {
      // The walk goes on while the entry is read, and is ended by the reading.
      const walk = this.walk(new Budget(this.budget.options));
      for (let next = await walk.next(); !next.done; next = await walk.next()) {
        const { info, content } = next.value;
        if (info.name === name) {
          return {
            info,
            async *content() {
              try {
                yield* content();
              } finally {
                await walk.return(undefined);
              }
            },
          };
        }
      }
    }
    throw new WippyError("NotFound", `archive: no entry ${name}`, { retryable: false });
  }

  async close(): Promise<void> {
    await this.#source.close();
  }
}

/** A walk through an archive: one entry at a time. */
export class Walker implements Closable {
  readonly reader: Reader;
  readonly #owned: boolean;
  readonly #budget: Budget;
  readonly #walk: AsyncGenerator<Entry>;
  #number = 0;
  #entry: Entry | undefined;
  #content: EntryReader | undefined;

  /** @param owned whether the archive is closed with the walk */
  constructor(reader: Reader, owned: boolean) {
    this.reader = reader;
    this.#owned = owned;
    this.#budget = new Budget(reader.budget.options);
    this.#walk = reader.walk(this.#budget);
  }

  /** The next entry and its number, `undefined` at the end. @throws WippyError Invalid */
  async next(): Promise<{ number: number; entry: Entry } | undefined> {
    await this.#content?.close();
    this.#content = undefined;
    const next = await this.#walk.next();
    this.#number += 1;
    this.#entry = next.done ? undefined : next.value;
    return this.#entry && { number: this.#number, entry: this.#entry };
  }

  #current(number: number): Entry {
    if (this.#entry && number === this.#number) return this.#entry;
    const message = "archive: the walk has gone past the entry";
    throw new WippyError("Internal", message, { retryable: false });
  }

  /** Bytes of the current entry, none at its end. @throws WippyError Internal when the walk went past it, Invalid */
  read(number: number, size: number): Promise<Uint8Array> {
    this.#content ??= new EntryReader(this.#current(number), this.#budget);
    this.#current(number);
    return this.#content.read(size);
  }

  /** The current entry and the limits. @throws as `read` */
  current(number: number): { entry: Entry; budget: Budget } {
    return { entry: this.#current(number), budget: this.#budget };
  }

  async close(): Promise<void> {
    await this.#content?.close();
    await this.#walk.return(undefined).catch(() => {});
    if (this.#owned) await this.reader.close();
  }
}
