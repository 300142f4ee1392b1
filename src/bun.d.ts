// What Bun has and its types lack.

declare namespace WebAssembly {
  /** The kind of an exception, as a module exports it. */
  interface Tag {
    readonly [Symbol.toStringTag]: string;
  }

  /** An exception that a module threw, of a kind that it declares. */
  interface Exception extends Error {
    is(tag: Tag): boolean;
  }
  var Exception: {
    prototype: Exception;
    new (tag: Tag, payload: unknown[]): Exception;
  };
}

interface JSON {
  /** A number in JSON that a JavaScript number cannot hold. */
  rawJSON(text: string): object;
}

interface Buffer {
  /** The text of the bytes from start to end, which are UTF-8. */
  utf8Slice(start?: number, end?: number): string;
  /** The text of the bytes from start to end, each of which is a character. */
  latin1Slice(start?: number, end?: number): string;
}

declare module "bun" {
  /** Takes a socket that is open, by its file descriptor. */
  function connect<Data = undefined>(options: FdSocketOptions<Data>): Promise<Socket<Data>>;
}
