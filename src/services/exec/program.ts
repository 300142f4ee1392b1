import type { OutputName } from "../../operations/exec/requests.ts";

/** What is to run. */
export interface Command {
  /** The program and its arguments. */
  words: readonly string[];
  /** @default that of the executor */
  directory?: string;
  env: Readonly<Record<string, string>>;
}

/** A program of the machine or in a container. Made without being started. */
export interface Program {
  /** Whether its outputs may be taken before it starts. */
  readonly early: boolean;
  /** Starts it. Called once. @throws WippyError */
  start(): Promise<void>;
  /**
   * Its exit code; 128 and the number of the signal that killed it. Pending until it started and ended. When it is
   * settled, nothing that it started is left.
   *
   * @throws WippyError when nobody knows how it ended
   */
  readonly exited: Promise<number>;
  /** Up to `size` bytes of an output, none at its end. What is not read stays with the program, which waits. */
  read(output: OutputName, size: number): Promise<Uint8Array>;
  /** Reads the rest of an output and throws it away. */
  discard(output: OutputName): void;
  /** Writes to the input. Fulfilled when the program took it. @throws WippyError */
  write(data: Uint8Array): Promise<void>;
  /** Closes the input. */
  closeInput(): Promise<void>;
  /** Sends a signal, by number, to all that it started. @throws WippyError when it has ended */
  signal(number: number): Promise<void>;
}

/** Numbers of the signals that end a program. */
export const SIGTERM = 15;
export const SIGKILL = 9;
