import { pipeline, Readable } from "node:stream";
import { createGzip, createZstdCompress } from "node:zlib";
import { WippyError } from "../../vm/error.ts";
import type { Closable } from "../resources.ts";
import { type Format, invalid } from "./format.ts";
import { Budget, type Options } from "./options.ts";

/** How an entry is written. */
export interface EntryOptions {
  method?: "store" | "deflate" | undefined;
  /** @default 0644, of directories 0755 */
  mode?: number | undefined;
  /** Seconds since 1970. @default now */
  modified?: number | undefined;
}

/** The same, complete. */
interface Settings {
  method: "store" | "deflate";
  mode: number;
  modified: number;
}

/** What makes the bytes of an archive of entries. */
interface Packer {
  readonly output: AsyncIterable<unknown>;
  /** Fulfilled when all of the content was taken. */
  add(name: string, size: number, content: Readable, options: Settings): Promise<void>;
  addDirectory(name: string, options: Settings): void;
  finish(): void;
  /** Ends it without completing it. */
  destroy(): void;
}

async function zipPacker(): Promise<Packer> {
  const { ZipFile } = await import("yazl");
  const zip = new ZipFile();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  zip.on("error", failed.reject);
  const settings = ({ mode, modified }: Settings) => ({
    mtime: new Date(modified * 1000),
    mode,
  });
  return {
    output: zip.outputStream,
    async add(name, size, content, options) {
      const taken = Promise.withResolvers<void>();
      content.once("close", taken.resolve).once("error", taken.reject);
      zip.addReadStream(content, name, {
        ...settings(options),
        mode: options.mode | 0o100000,
        compress: options.method === "deflate",
        size,
      });
      await Promise.race([taken.promise, failed.promise]);
    },
    addDirectory: (name, options) =>
      zip.addEmptyDirectory(name, { ...settings(options), mode: options.mode | 0o040000 }),
    finish: () => zip.end(),
    destroy() {
      if (zip.outputStream instanceof Readable) zip.outputStream.destroy();
    },
  };
}

async function tarPacker(format: Exclude<Format, "zip">): Promise<Packer> {
  const { pack: makePack } = await import("tar-stream");
  const pack = makePack();
  const output = format === "tar" ? pack : pipeline(
    Readable.from(pack),
    format === "tar.gz" ? createGzip() : createZstdCompress(),
    () => {},
  );
  const header = (name: string, { mode, modified }: Settings) => ({
    name,
    mode,
    mtime: new Date(modified * 1000),
  });
  return {
    output,
    async add(name, size, content, options) {
      const done = Promise.withResolvers<void>();
      const sink = pack.entry(
        { ...header(name, options), size },
        (error) => error ? done.reject(error) : done.resolve(),
      );
      for await (const part of content) {
        if (sink.write(part)) continue;
        const drained = Promise.withResolvers<void>();
        sink.once("drain", drained.resolve);
        await Promise.race([drained.promise, done.promise]);
      }
      sink.end(undefined);
      await done.promise;
    },
    addDirectory(name, options) {
      pack.entry({ ...header(name, options), type: "directory" }, "");
    },
    finish: () => pack.finalize(),
    destroy: () => pack.destroy(),
  };
}

/** Where the bytes of an archive go. */
export interface Target {
  write(data: Uint8Array): Promise<unknown>;
  close(): Promise<void>;
}

/** Bytes that wait until somebody takes them. */
export class Outlet implements Target {
  #waiting: { data: Uint8Array; taken: () => void } | undefined;
  #arrived = Promise.withResolvers<void>();

  async write(data: Uint8Array): Promise<void> {
    const taken = Promise.withResolvers<void>();
    this.#waiting = { data, taken: taken.resolve };
    this.#arrived.resolve();
    await taken.promise;
  }

  /** Fulfilled when there are bytes. */
  get arrived(): Promise<void> {
    return this.#arrived.promise;
  }

  /** The bytes that wait. */
  take(): Uint8Array | undefined {
    const waiting = this.#waiting;
    if (!waiting) return undefined;
    this.#waiting = undefined;
    this.#arrived = Promise.withResolvers();
    waiting.taken();
    return waiting.data;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** How far a writer is: bytes for its outlet, and whether what was asked of it is done. */
export interface Progress {
  data?: Uint8Array;
  done: boolean;
}

/** An archive that is written. */
export class Writer implements Closable {
  readonly #packer: Packer;
  readonly #target: Target;
  readonly #budget: Budget;
  readonly #now: () => number;
  readonly #written: Promise<void>;
  #entries = 0;
  #work: Promise<void> | undefined;
  /** What the last file added is read from. */
  #content: Readable | undefined;
  #closed = false;

  /** Use `open`. */
  constructor(packer: Packer, target: Target, options: Options, now: () => number) {
    this.#packer = packer;
    this.#target = target;
    this.#budget = new Budget(options);
    this.#now = now;
    this.#written = (async () => {
      for await (const data of packer.output) {
        if (data instanceof Uint8Array) await target.write(new Uint8Array(data));
      }
    })();
    this.#written.catch(() => {});
  }

  /** @param now seconds since 1970 */
  static async open(
    format: Format,
    target: Target,
    options: Options,
    now: () => number,
  ): Promise<Writer> {
    const packer = format === "zip" ? await zipPacker() : await tarPacker(format);
    return new Writer(packer, target, options, now);
  }

  /** Does something, one after the other; `progress` says how far it is. */
  #begin(work: () => Promise<void>): Promise<Progress> {
    if (this.#closed) throw invalid("the archive is closed");
    if (this.#work) throw invalid("another entry is being written");
    const failed = this.#written.then(() => new Promise<never>(() => {}));
    this.#work = Promise.race([work(), failed]);
    this.#work.catch(() => {});
    return this.progress();
  }

  /** Waits until what was asked is done, or bytes are there for the outlet. */
  async progress(): Promise<Progress> {
    const work = this.#work ?? Promise.resolve();
    if (this.#target instanceof Outlet) {
      const outlet = this.#target;
      await Promise.race([work, outlet.arrived]);
      const data = outlet.take();
      if (data) return { data, done: false };
    }
    try {
      await work;
    } finally {
      this.#work = undefined;
    }
    return { done: true };
  }

  #entry(name: string, size: number): void {
    const parts = name.split("/");
    const unsafe = name === "" || name.startsWith("/") || /[\\\0]/.test(name) ||
      /^[a-zA-Z]:/.test(name) || parts.includes("..") || parts.includes(".");
    if (unsafe) throw invalid(`unsafe name ${JSON.stringify(name)}`);
    this.#entries += 1;
    this.#budget.entries(this.#entries);
    this.#budget.announced(name, size);
    this.#budget.read(name, 0, size);
  }

  /** Adds a file of `size` bytes. The content is destroyed also when it is refused, or the archive is closed. */
  add(
    name: string,
    size: number,
    content: Readable,
    { method = "deflate", mode = 0o644, modified = this.#now() }: EntryOptions,
  ): Promise<Progress> {
    try {
      if (name.endsWith("/")) throw invalid(`${name} is the name of a directory; use add_dir`);
      this.#entry(name, size);
      return this.#begin(() => {
        this.#content = content;
        return this.#packer.add(name, size, content, { method, mode, modified });
      });
    } catch (error) {
      content.destroy();
      throw error;
    }
  }

  /** Adds a directory. */
  addDirectory(
    name: string,
    { method = "store", mode = 0o755, modified = this.#now() }: EntryOptions,
  ): Promise<Progress> {
    const path = name.endsWith("/") ? name : `${name}/`;
    this.#entry(path.slice(0, -1), 0);
    return this.#begin(() => {
      this.#packer.addDirectory(path, { method, mode, modified });
      return Promise.resolve();
    });
  }

  /** Completes the archive. */
  finish(): Promise<Progress> {
    const finishing = this.#begin(async () => {
      this.#packer.finish();
      await this.#written;
      await this.#target.close();
    });
    this.#closed = true;
    return finishing;
  }

  /** Ends it, complete or not. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#content?.destroy();
    this.#packer.destroy();
    if (this.#target instanceof Outlet) this.#target.take();
    await this.#target.close().catch(() => {});
  }
}

/** @throws WippyError Invalid without a format */
export function formatToWrite(format: Format | undefined): Format {
  if (format) return format;
  throw new WippyError(
    "Invalid",
    "archive: unknown format; give format: zip, tar, tar.gz or tar.zst, or a name that ends so",
    { retryable: false },
  );
}
