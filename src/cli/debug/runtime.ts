import { WippyError } from "../../vm/error.ts";
import type { DebugEvent } from "../../node/debugger/target.ts";
import { type Calls, callsBy } from "../../node/debugger/calls.ts";
import type { FromRuntime, ToRuntime } from "./channel.ts";

/** What is told of a runtime. */
export interface RuntimeListener {
  event(event: DebugEvent): void;
  output(to: "stdout" | "stderr", text: string): void;
  /** It has ended; with this status, where that is known. */
  ended(status?: number): void;
}

/** How this program is started again: the executable alone, or Bun with the sources. */
function ownCommand(): string[] {
  const main = Bun.main;
  return /^(?:\/\$bunfs\/|B:[/\\]~BUN)/i.test(main) ? [process.execPath] : [process.execPath, main];
}

/** A runtime that was started to be debugged, in a process of its own. */
export class Runtime {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #listener: RuntimeListener;
  readonly #waits = Promise.withResolvers<void>();
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #lastCall = 0;
  /** Its debugger, by calls over the channel. */
  readonly debugger: Calls;

  /** @param args arguments of `wippy`, with `--debugger` */
  constructor(
    args: string[],
    directory: string,
    env: Record<string, string | undefined>,
    listener: RuntimeListener,
  ) {
    this.#listener = listener;
    this.#process = Bun.spawn([...ownCommand(), ...args], {
      cwd: directory,
      env: { ...process.env, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      ipc: (message: FromRuntime) => this.#take(message),
    });
    this.debugger = callsBy((method, args) => this.#call(method, args));
    this.#waits.promise.catch(() => {});
    void this.#follow();
  }

  async #follow(): Promise<void> {
    await Promise.all([
      this.#read("stdout", this.#process.stdout),
      this.#read("stderr", this.#process.stderr),
    ]);
    const status = await this.#process.exited;
    const gone = new WippyError("Unavailable", `the runtime has ended with status ${status}`);
    this.#waits.reject(gone);
    for (const { reject } of this.#calls.values()) reject(gone);
    this.#calls.clear();
    this.#listener.ended(status);
  }

  async #read(to: "stdout" | "stderr", stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.#listener.output(to, decoder.decode(bytes, { stream: true }));
    }
  }

  #take(message: FromRuntime): void {
    if ("waits" in message) return this.#waits.resolve();
    if ("event" in message) return this.#listener.event(message.event);
    const call = this.#calls.get(message.answer);
    this.#calls.delete(message.answer);
    const { error } = message;
    if (error) call?.reject(new WippyError(error.kind, error.message));
    else call?.resolve(message.value);
  }

  #call(method: keyof Calls, args: readonly unknown[]): Promise<unknown> {
    const id = ++this.#lastCall;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(id, call);
    this.#send({ call: id, method, args });
    return call.promise;
  }

  #send(message: ToRuntime): void {
    this.#process.send(message);
  }

  /** Fulfilled when the runtime waits to be launched. @throws WippyError when it ended before */
  get waits(): Promise<void> {
    return this.#waits.promise;
  }

  /** Starts the application. */
  launch(): void {
    this.#send({ launch: true });
  }

  /** Asks it to end, or leaves it alone. */
  release(end: boolean): void {
    if (end) this.#process.kill();
    else this.#process.disconnect();
  }
}
