import { ScratchFile } from "../../platform/scratch-file.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import {
  type FormReceiver,
  MultipartParser,
  type PartHead,
  type PartReceiver,
} from "./multipart.ts";

/** Bytes of all values of a form that are no files, beyond what files may have in memory. */
const mostValues = 10 * 1024 * 1024;

/** One file of a form: in memory, or a piece of the spool. */
interface StoredFile {
  head: PartHead;
  size: number;
  parts: Uint8Array[] | undefined;
  from: number;
}

/** The form of a request: its values, and its files, in memory up to a size and on the disk beyond it. */
export class Upload implements FormReceiver {
  readonly #files: StoredFile[] = [];
  readonly #values: { name: string; parts: Uint8Array[] }[] = [];
  readonly #spool = new ScratchFile("upload");
  readonly #mostMemory: number;
  #memory = 0;
  #valueBytes = 0;

  /** @param mostMemory bytes that files may have in memory, together */
  constructor(mostMemory: number) {
    this.#mostMemory = mostMemory;
  }

  begin(head: PartHead): PartReceiver {
    return head.filename === undefined ? this.#value(head) : this.#file(head);
  }

  #value({ name }: PartHead): PartReceiver {
    const parts: Uint8Array[] = [];
    return {
      write: (data) => {
        this.#valueBytes += data.length;
        if (this.#valueBytes > mostValues + this.#mostMemory) {
          throw new WippyError("Internal", "the values of the form are too large", {
            retryable: false,
          });
        }
        parts.push(new Uint8Array(data));
      },
      end: () => {
        this.#values.push({ name, parts });
      },
    };
  }

  #file(head: PartHead): PartReceiver {
    const file: StoredFile = { head, size: 0, parts: [], from: 0 };
    return {
      write: async (data) => {
        if (file.parts !== undefined && this.#memory + data.length > this.#mostMemory) {
          const before = file.parts;
          file.parts = undefined;
          file.from = this.#spool.size;
          for (const part of before) await this.#spool.append(part);
          this.#memory -= file.size;
        }
        file.size += data.length;
        if (file.parts === undefined) {
          await this.#spool.append(data);
        } else {
          this.#memory += data.length;
          file.parts.push(new Uint8Array(data));
        }
      },
      end: () => {
        this.#files.push(file);
      },
    };
  }

  /**
   * Takes a body apart.
   *
   * @param next its next piece, none at its end
   * @param mostBytes of the whole body
   * @throws WippyError Invalid: larger than allowed; Internal: no form, or it does not come
   */
  async receive(
    boundary: string,
    next: () => Promise<Uint8Array>,
    mostBytes: number,
  ): Promise<LuaValue> {
    const parser = new MultipartParser(boundary, this);
    let size = 0;
    for (let part = await next(); part.length > 0; part = await next()) {
      size += part.length;
      if (size > mostBytes) {
        const message = `the body of the request is larger than ${mostBytes} bytes; raise max_body`;
        throw new WippyError("Invalid", message, { retryable: false });
      }
      await parser.write(part);
    }
    parser.end();
    return asLua({
      values: this.#values.map(({ name, parts }) => ({
        name,
        value: new Uint8Array(Buffer.concat(parts)),
      })),
      files: this.#files.map(({ head, size: bytes }) => ({ ...head, size: bytes })),
    });
  }

  /** Bytes of a file, none at its end. @throws WippyError Internal when there is no such file */
  async read(index: number, from: number, length: number): Promise<Uint8Array> {
    const file = this.#files[index];
    if (file === undefined) throw new WippyError("Internal", "no such file", { retryable: false });
    const wanted = Math.max(0, Math.min(length, file.size - from));
    if (wanted === 0) return new Uint8Array();
    if (file.parts === undefined) return await this.#spool.read(file.from + from, wanted);
    if (file.parts.length > 1) file.parts = [new Uint8Array(Buffer.concat(file.parts))];
    return file.parts[0]!.subarray(from, from + wanted);
  }

  /** Forgets everything. */
  async close(): Promise<void> {
    this.#files.length = 0;
    await this.#spool.close();
  }
}
