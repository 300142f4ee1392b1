/** What a command of the command line writes to, and where it stands. Tests bring their own. */
export interface Console {
  /** Writes to standard output; bytes are those of a program, and leave as they are. */
  out(text: string | Uint8Array): void;
  /** Writes to standard error. */
  err(text: string | Uint8Array): void;
  /** All of standard input. */
  input(): Promise<string>;
  /** The current directory; absolute. */
  directory: string;
  /** The operating system's variables. */
  system: Readonly<Record<string, string | undefined>>;
  /** Whether standard error is a terminal, which a person reads and nobody keeps. */
  terminal: boolean;
  /** Whether standard output shows colours. */
  colour: boolean;
}

/** A failure whose message is for the user: what is wrong, then how to fix it. */
export class CommandError extends Error {
  override name = "CommandError";

  /** @param fix what to do about it; left out where the message says it */
  constructor(message: string, readonly fix?: string) {
    super(message);
  }
}
