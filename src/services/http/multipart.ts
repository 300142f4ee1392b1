/**
 * Forms with files, taken apart while they arrive: values are kept, files are handed on in pieces.
 * @module
 */
import { WippyError } from "../../vm/error.ts";

/** Parts of one form. */
const mostParts = 1_000;
/** Bytes of the headers of one part. */
const mostHeaders = 16 * 1024;

/** Takes the parts of a form. */
export interface FormReceiver {
  /** A part begins; what is returned gets its content. */
  begin(part: PartHead): PartReceiver;
}

/** What stands before the content of a part. */
export interface PartHead {
  /** Of the field. */
  name: string;
  /** Undefined for a plain value. */
  filename: string | undefined;
  /** By names in lower case. */
  headers: Record<string, string>;
}

/** Takes the content of one part. */
export interface PartReceiver {
  write(data: Uint8Array): Promise<void> | void;
  end(): Promise<void> | void;
}

function malformed(what: string): WippyError {
  return new WippyError("Internal", `malformed multipart body: ${what}`, { retryable: false });
}

/** A parameter of a header, with what browsers escape; undefined when it is not there. */
function parameter(header: string, name: string): string | undefined {
  const [, quoted, bare] = new RegExp(`[;\\s]${name}=(?:"([^"]*)"|([^;"\\s]+))`, "i")
    .exec(`;${header}`) ?? [];
  return (quoted ?? bare)?.replace(/%22/g, '"').replace(/%0D/gi, "\r").replace(/%0A/gi, "\n");
}

/** The boundary that a content type names; undefined when it is no form with files. */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return undefined;
  const boundary = parameter(contentType, "boundary");
  return boundary !== undefined && /^.{1,70}$/s.test(boundary) ? boundary : undefined;
}

/** @throws WippyError Internal */
function headOf(text: string): PartHead {
  const headers: Record<string, string> = {};
  for (const line of text === "" ? [] : text.split("\r\n")) {
    const [, name, value] = /^([^:\s]+):[ \t]*(.*?)[ \t]*$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) throw malformed("the headers of a part");
    headers[name.toLowerCase()] = value;
  }
  const disposition = headers["content-disposition"] ?? "";
  const name = /^form-data/i.test(disposition) ? parameter(disposition, "name") : undefined;
  if (name === undefined) throw malformed("a part has no name");
  // Some clients send a path; it must lead nowhere here.
  const filename = parameter(disposition, "filename")?.replace(/^.*[/\\]/s, "");
  return { name, filename, headers };
}

/** Takes a form apart. */
export class MultipartParser {
  readonly #mark: Buffer;
  readonly #receiver: FormReceiver;
  // As if a line ended before the first boundary.
  #rest: Buffer = Buffer.from("\r\n");
  #state: "begin" | "mark" | "headers" | "content" | "end" = "begin";
  #part: PartReceiver | undefined;
  #parts = 0;
  /** Whether the end of the line before the content is still to be dropped. */
  #fresh = false;

  constructor(boundary: string, receiver: FormReceiver) {
    this.#mark = Buffer.from(`\r\n--${boundary}`);
    this.#receiver = receiver;
  }

  /** Takes the next piece of the body. @throws WippyError Internal for what is no form; that of the receiver */
  async write(data: Uint8Array): Promise<void> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(data) : Buffer.concat([this.#rest, data]);
    while (await this.#step());
  }

  /** Does one step. Returns whether another one may be possible without more data. */
  async #step(): Promise<boolean> {
    switch (this.#state) {
      case "begin":
        return this.#skipPreamble();
      case "mark":
        return this.#endOfMark();
      case "headers":
        return this.#beginPart();
      case "content":
        return await this.#passContent();
      case "end":
        // What stands behind the form is none of it.
        this.#rest = Buffer.alloc(0);
        return false;
    }
  }

  #skipPreamble(): boolean {
    const at = this.#rest.indexOf(this.#mark);
    if (at < 0) {
      this.#rest = this.#rest.subarray(Math.max(0, this.#rest.length - this.#mark.length + 1));
      return false;
    }
    this.#rest = this.#rest.subarray(at + this.#mark.length);
    this.#state = "mark";
    return true;
  }

  /** Behind a boundary comes the end of the form, or of the line. */
  #endOfMark(): boolean {
    if (this.#rest.length < 2) return false;
    if (this.#rest.toString("latin1", 0, 2) === "--") {
      this.#state = "end";
      return true;
    }
    const line = /^[ \t]*\r\n/.exec(this.#rest.toString("latin1", 0, 256));
    if (line === null) {
      if (this.#rest.length < 256 && /^[ \t]*\r?$/.test(this.#rest.toString("latin1"))) {
        return false;
      }
      throw malformed("a boundary is followed by something else");
    }
    this.#rest = this.#rest.subarray(line[0].length);
    this.#state = "headers";
    return true;
  }

  #beginPart(): boolean {
    // A part without headers begins with an empty line.
    const empty = this.#rest.length >= 2 && this.#rest.toString("latin1", 0, 2) === "\r\n";
    const at = empty ? 0 : this.#rest.indexOf("\r\n\r\n");
    if (at < 0 || at > mostHeaders) {
      if (at < 0 && this.#rest.length <= mostHeaders) return false;
      throw malformed(`the headers of a part are longer than ${mostHeaders} bytes`);
    }
    if (++this.#parts > mostParts) throw malformed(`it has more than ${mostParts} parts`);
    this.#part = this.#receiver.begin(headOf(this.#rest.toString("utf8", 0, at)));
    // The end of the line is left: a boundary may follow at once.
    this.#rest = this.#rest.subarray(at + (empty ? 0 : 2));
    this.#state = "content";
    this.#fresh = true;
    return true;
  }

  async #passContent(): Promise<boolean> {
    const at = this.#rest.indexOf(this.#mark);
    const known = at >= 0 ? at : Math.max(0, this.#rest.length - this.#mark.length + 1);
    const skipped = this.#fresh ? 2 : 0;
    if (known > skipped) await this.#part?.write(this.#rest.subarray(skipped, known));
    if (at >= 0) {
      await this.#part?.end();
      this.#part = undefined;
      this.#rest = this.#rest.subarray(at + this.#mark.length);
      this.#state = "mark";
      return true;
    }
    if (known >= skipped) {
      this.#rest = this.#rest.subarray(known);
      this.#fresh = false;
    }
    return false;
  }

  /** The body has ended. @throws WippyError Internal when the form has not */
  end(): void {
    if (this.#state === "begin") throw malformed("no boundary");
    if (this.#state !== "end") throw malformed("it has no end");
  }
}
