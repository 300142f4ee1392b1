/**
 * The terminal as a process sees it. One object a process; several may share one standard input.
 */
export interface Terminal {
  /** The command's arguments. */
  readonly args: readonly (string | Uint8Array)[];
  /** Throws WippyError Unavailable when nobody reads any more. */
  write(data: string | Uint8Array): void;
  /** Throws WippyError Unavailable when nobody reads any more. */
  writeError(data: string | Uint8Array): void;
  /**
   * Up to `limit` bytes as soon as there are any; `undefined` at the end of the input.
   * Rejects with a WippyError when the input fails, and with the signal's reason when aborted:
   * nothing is lost then, the next reader gets it.
   */
  read(limit: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * The same, while everything else in this thread waits: for a reader that cannot. Nothing at the end.
   * Absent where there is no such way.
   */
  readNow?(limit: number): Uint8Array;
  /** The next line without `\n` or `\r\n`; `undefined` at the end. Rejects like `read`. */
  readLine(signal: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * Switches raw mode on or off. Counted: it is off when each `true` was followed by a `false`.
   *
   * @throws WippyError Invalid when the standard input is not a terminal
   */
  raw(enable: boolean): boolean | Promise<boolean>;
  /** Resolves when everything written has left. */
  flush(): Promise<void>;
}
