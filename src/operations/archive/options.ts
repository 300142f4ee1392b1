import type * as zod from "zod";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { formats, invalid } from "./format.ts";

const MiB = 1024 * 1024;

const count = (fallback: number) =>
  z.int({ error: "a whole number is expected" })
    .positive({ error: "a number above 0 is expected" }).default(fallback);

/** What an archive may have at most, and its format where it does not tell. */
export const options = lazy(() =>
  z.strictObject({
    format: z.enum(formats, { error: `unknown format; use one of ${formats.join(", ")}` })
      .optional(),
    max_entries: count(100_000),
    /** Bytes of all entries together that are read. */
    max_total_bytes: count(2048 * MiB),
    max_file_bytes: count(1024 * MiB),
    /** Bytes of an entry that is read in one piece. */
    max_inline_bytes: count(16 * MiB),
    buffer_bytes: count(64 * 1024),
  })
);

export type Options = zod.output<ReturnType<typeof options>>;

/** Counts what is read of an archive. What is more than a limit ends the reading. */
export class Budget {
  readonly options: Options;
  #total = 0;

  constructor(options: Options) {
    this.options = options;
  }

  /** @throws WippyError Invalid */
  entries(number: number): void {
    const { max_entries } = this.options;
    if (number > max_entries) throw invalid(`more than ${max_entries} entries; raise max_entries`);
  }

  /** Checks the size that an entry says it has. @throws WippyError Invalid */
  announced(name: string, size: number): void {
    const { max_file_bytes } = this.options;
    if (size <= max_file_bytes) return;
    throw invalid(`${name} has more than ${max_file_bytes} bytes; raise max_file_bytes`);
  }

  /** Counts bytes of an entry of which `before` were read. @throws WippyError Invalid */
  read(name: string, before: number, bytes: number): void {
    this.announced(name, before + bytes);
    this.#total += bytes;
    const { max_total_bytes } = this.options;
    if (this.#total <= max_total_bytes) return;
    throw invalid(`more than ${max_total_bytes} bytes in all; raise max_total_bytes`);
  }
}
