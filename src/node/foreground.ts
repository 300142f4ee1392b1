import { standardStreams, StandardTerminal } from "../operations/io/standard-terminal.ts";
import type { Terminal } from "../operations/io/terminal.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { exitStatus } from "./exit-status.ts";

/** The process that has the terminal of this program, and what it was called with. */
export class Foreground {
  readonly #given: Terminal | undefined;
  readonly #traces: boolean;
  readonly #readable: (text: string) => string;
  /** Made when a process first needs it. */
  #terminal: StandardTerminal | undefined;
  #attached: (Terminal & { release(): void }) | undefined;
  /** Hosts whose processes have the terminal. */
  readonly #hosts = new Set<string>();
  readonly #done = Promise.withResolvers<number>();
  #asked: number | undefined;
  /** Arguments of the process, while one runs. */
  arguments: (string | Uint8Array)[] = [];

  /**
   * @param given the terminal of processes; that of this program when absent
   * @param traces whether the traceback of a raised error is written
   * @param readable names files in the place of entries in a text
   */
  constructor(
    given: Terminal | undefined,
    traces: boolean,
    readable: (text: string) => string,
  ) {
    this.#given = given;
    this.#traces = traces;
    this.#readable = readable;
  }

  /** The processes of a host have the terminal from now on. */
  claim(host: string): void {
    this.#hosts.add(host);
  }

  /** Whether the processes of a host have the terminal. */
  has(host: string): boolean {
    return this.#hosts.has(host);
  }

  /** Fulfilled with the exit status of a process with which the runtime ends. */
  get done(): Promise<number> {
    return this.#done.promise;
  }

  /** The runtime ends with a status; asked again while it ends, with that one. */
  exit(status: number): void {
    this.#asked = status;
    this.#done.resolve(status);
  }

  /** The status that was asked for last: it counts more than how a process ended. */
  get asked(): number | undefined {
    return this.#asked;
  }

  /** The runtime ends with this process. */
  endsWith(ended: Promise<LuaValue>): void {
    void this.status(ended).then((status) => this.#done.resolve(status));
  }

  /** What the process reads from and writes to. */
  get terminal(): Terminal {
    if (this.#given) return this.#given;
    this.#terminal ??= new StandardTerminal(standardStreams);
    this.#attached ??= this.#terminal.attach(this.arguments);
    return this.#attached;
  }

  /** The exit status that the end of the process stands for; whatever it wrote has left by then. */
  async status(ended: Promise<LuaValue>): Promise<number> {
    const streams = { out: standardStreams.stdout, err: standardStreams.stderr };
    try {
      const value = await ended;
      return exitStatus({ value }, streams);
    } catch (error) {
      return exitStatus({ error: this.#inFiles(WippyError.from(error)) }, streams, this.#traces);
    } finally {
      await this.#attached?.flush();
      this.#attached?.release();
    }
  }

  #inFiles({ kind, message, luaStack }: WippyError): WippyError {
    return new WippyError(kind, this.#readable(message), {
      ...(luaStack !== undefined && { luaStack: this.#readable(luaStack) }),
    });
  }

  /** Undoes what the process made of the terminal. */
  release(): void {
    this.#attached?.release();
  }
}
