import { WippyError } from "../../vm/error.ts";
import type { Budget } from "./options.ts";
import { corrupt, invalid } from "./format.ts";

/** What an archive says about an entry. */
export interface EntryInfo {
  name: string;
  size: number;
  compressed_size?: number;
  is_dir: boolean;
  /** Permission bits. */
  mode: number;
  /** Seconds since 1970. */
  modified: number;
  method?: string;
  crc32?: number;
  type: string;
}

/** An entry and what reads it. */
export interface Entry {
  info: EntryInfo;
  /** Its bytes, which can be asked for once. */
  content(): AsyncIterable<Uint8Array>;
}

/** The bytes of an entry, within the limits. @throws WippyError Invalid */
export async function* within(entry: Entry, budget: Budget): AsyncGenerator<Uint8Array> {
  const { name, size } = entry.info;
  budget.announced(name, size);
  let read = 0;
  try {
    for await (const piece of entry.content()) {
      budget.read(name, read, piece.length);
      read += piece.length;
      yield piece;
    }
  } catch (error) {
    throw corrupt(error);
  }
}

/** The whole content of an entry. @throws WippyError Invalid when it is larger than `max_inline_bytes` */
export async function contentOf(entry: Entry, budget: Budget): Promise<Uint8Array> {
  const { max_inline_bytes } = budget.options;
  const tooLarge = () =>
    invalid(
      `${entry.info.name} has more than ${max_inline_bytes} bytes; use stream, or raise max_inline_bytes`,
    );
  if (entry.info.size > max_inline_bytes) throw tooLarge();
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of within(entry, budget)) {
    size += part.length;
    if (size > max_inline_bytes) throw tooLarge();
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The content of an entry, piece by piece. */
export class EntryReader {
  readonly #pieces: AsyncGenerator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();
  #turn: Promise<unknown> = Promise.resolve();
  #dead = false;

  constructor(entry: Entry, budget: Budget) {
    this.#pieces = within(entry, budget);
  }

  /** Up to `size` bytes, none at the end. @throws WippyError Invalid, Internal when the walk went past it */
  read(size: number): Promise<Uint8Array> {
    const result = this.#turn.then(async () => {
      if (this.#dead) {
        const message = "archive: the walk has gone past the entry";
        throw new WippyError("Internal", message, { retryable: false });
      }
      while (this.#rest.length === 0) {
        const next = await this.#pieces.next();
        if (next.done) return new Uint8Array();
        this.#rest = next.value;
      }
      const part = this.#rest.slice(0, size);
      this.#rest = this.#rest.subarray(size);
      return part;
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Nothing more is read. */
  async close(): Promise<void> {
    this.#dead = true;
    await this.#turn;
    await this.#pieces.return(undefined).catch(() => {});
  }
}

/**
 * The path that an entry is extracted to.
 *
 * @param strip parts of the name that are left out at its beginning
 * @returns undefined when nothing of the name is left
 * @throws WippyError Invalid for a name that leads elsewhere, and for links and devices
 */
export function targetOf({ name, type }: EntryInfo, to: string, strip = 0): string | undefined {
  if (type !== "file" && type !== "directory") {
    throw invalid(`${name} is a ${type}; only files and directories are extracted`);
  }
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  const unsafe = name.startsWith("/") || /[\\\0]/.test(name) || /^[a-zA-Z]:/.test(name) ||
    parts.includes("..");
  if (unsafe || parts.length === 0) throw invalid(`unsafe name ${JSON.stringify(name)}`);
  const kept = parts.slice(strip);
  return kept.length === 0 ? undefined : `${to === "" ? "" : `${to}/`}${kept.join("/")}`;
}
