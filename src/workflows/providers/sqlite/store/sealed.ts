/**
 * Encryption at rest: every blob of a journal is sealed before SQLite has it, and opened when it comes back. What is
 * looked for stays readable: ids, names of entries, times, search attributes and notes of schedules.
 * @module
 */
import { Database, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { WippyError } from "../../../../vm/error.ts";
import { Cipher, type PayloadKeys } from "../../../cipher.ts";

/** MessagePack has nothing that begins with the first of these; the second tells from damage. */
const mark = [0xc1, 0x53] as const;
/** The mark, and the bytes that the id of the key takes. */
const headLength = 3;

/** Whether a blob is sealed. */
function isSealed(blob: Uint8Array): boolean {
  return blob[0] === mark[0] && blob[1] === mark[1];
}

/** The key with which a blob was sealed. */
function keyIdOf(blob: Uint8Array): string {
  return new TextDecoder().decode(blob.subarray(headLength, headLength + (blob[2] ?? 0)));
}

/** A journal whose blobs are encrypted. Those that were written before it had a key are read as they are. */
export class SealedDatabase extends Database {
  readonly #cipher: Cipher;
  readonly #head: Uint8Array;

  /** @throws WippyError Invalid for keys without the one that encrypts, or an id of over 255 bytes */
  constructor(path: string, options: ConstructorParameters<typeof Database>[1], keys: PayloadKeys) {
    super(path, options);
    this.#cipher = new Cipher(keys);
    const id = new TextEncoder().encode(keys.keyId);
    if (id.length > 255) {
      throw new WippyError("Invalid", "payload_codec.id has more than 255 bytes", {
        retryable: false,
      });
    }
    this.#head = Buffer.concat([Buffer.from([...mark, id.length]), id]);
  }

  override prepare<Row, Params extends SQLQueryBindings | SQLQueryBindings[]>(
    sql: string,
    params?: Params,
  ) {
    return this.#sealing(super.prepare<Row, Params>(sql, params));
  }

  override query<Row, Params extends SQLQueryBindings | SQLQueryBindings[]>(sql: string) {
    return this.prepare<Row, Params>(sql);
  }

  #sealing<Row, Params extends SQLQueryBindings[]>(
    statement: Statement<Row, Params>,
  ): Statement<Row, Params> {
    const { run, get, all, values, iterate } = statement;
    const sealed = (given: Params) => given.map((value) => this.#seal(value)) as Params;
    const opened = <Found>(row: Found) => this.#openRow(row);
    statement.run = (...given) => run.apply(statement, sealed(given));
    statement.get = (...given) => opened(get.apply(statement, sealed(given)));
    statement.all = (...given) => all.apply(statement, sealed(given)).map(opened);
    statement.values = (...given) => values.apply(statement, sealed(given)).map(opened);
    statement.iterate = function* (...given) {
      for (const row of iterate.apply(statement, sealed(given))) yield opened(row);
    };
    return statement;
  }

  #seal(value: SQLQueryBindings): SQLQueryBindings {
    if (!(value instanceof Uint8Array)) return value;
    return Buffer.concat([this.#head, this.#cipher.encrypt(value)]);
  }

  #openRow<Row>(row: Row): Row {
    if (typeof row !== "object" || row === null) return row;
    const fields = row as Record<string, unknown>;
    for (const key in fields) {
      const value = fields[key];
      if (value instanceof Uint8Array && isSealed(value)) fields[key] = this.#open(value);
    }
    return row;
  }

  #open(blob: Uint8Array): Uint8Array {
    const keyId = keyIdOf(blob);
    return new Uint8Array(this.#cipher.decrypt(keyId, blob.subarray(headLength + (blob[2] ?? 0))));
  }
}

/** Blobs that tell with which keys a journal was written: the oldest and the newest. */
const samples = [
  "SELECT data AS blob FROM events WHERE position = (SELECT min(position) FROM events)",
  "SELECT data AS blob FROM events WHERE position = (SELECT max(position) FROM events)",
  "SELECT definition AS blob FROM schedules WHERE schedule = (SELECT max(schedule) FROM schedules)",
];

/** Makes sure that a journal can be read. @throws WippyError Invalid, in words about the journal */
export function checkKeys(database: Database, path: string): void {
  for (const sql of samples) {
    try {
      const found = database.query<{ blob: Uint8Array }, []>(sql).get();
      if (!found || !isSealed(found.blob)) continue;
      throw new WippyError(
        "Invalid",
        `it is encrypted with the key "${keyIdOf(found.blob)}", and no key is configured; ` +
          "hint: add payload_codec with the key to its workflow.host",
      );
    } catch (error) {
      if (!(error instanceof WippyError)) throw error;
      throw new WippyError("Invalid", `The journal ${path} cannot be read: ${error.message}`, {
        retryable: false,
        details: { path, encrypted: true },
      });
    }
  }
}
