import { answerOf } from "../../admin/client.ts";
import type { DebugMessage } from "../../admin/debug-session.ts";
import { type Calls, callsBy } from "../../node/debugger/calls.ts";
import { WippyError } from "../../vm/error.ts";
import { connect, type ConnectOptions, sender } from "../connection.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import type { RuntimeListener } from "./runtime.ts";

/** What runs code of the application, which may take its time: further calls do not wait for it. */
const slow: ReadonlySet<string> = new Set(["evaluate", "set"]);

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** An editor shows one text, so what to do about an error follows it. */
function withHint(error: unknown): unknown {
  if (!(error instanceof CommandError) || error.fix === undefined) return error;
  return new WippyError("Unavailable", `${error.message}; ${error.fix}`, { retryable: true });
}

/** A runtime that runs by itself, and is debugged over its local socket until the debugger lets go. */
export class Attached {
  readonly #post: (method: string, args: readonly unknown[]) => Promise<unknown>;
  readonly #listener: RuntimeListener;
  readonly #over = new AbortController();
  readonly #attached = Promise.withResolvers<void>();
  #session = "";
  /** Calls are answered in the order in which they were made. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Its debugger. */
  readonly debugger: Calls;

  /** @param options name the state folder of the runtime */
  constructor(console: Console, options: ConnectOptions, listener: RuntimeListener) {
    this.#listener = listener;
    const api = connect(console, options);
    this.#post = async (method, args) => {
      const body = { session: this.#session, method: method as "alive", args: [...args] };
      return (await api.post("/debug/calls", { body })).value;
    };
    this.debugger = callsBy((method, args) => this.#call(method, args));
    this.#attached.promise.catch(() => {});
    void this.#follow(console, options);
  }

  /** Fulfilled when it is attached. @throws WippyError when it cannot be */
  get waits(): Promise<void> {
    return this.#attached.promise;
  }

  #call(method: keyof Calls, args: readonly unknown[]): Promise<unknown> {
    const send = () => this.#post(method, args.filter((each) => each !== undefined));
    const answer = this.#turn.then(send);
    if (!slow.has(method)) this.#turn = answer.catch(() => {});
    return answer;
  }

  async #follow(console: Console, options: ConnectOptions): Promise<void> {
    try {
      const { signal } = this.#over;
      const response = await sender(console, options)("/api/v1/debug/events", { signal });
      if (!response.ok || response.body === null) await answerOf(response);
      for await (const line of linesOf(response.body!)) this.#take(JSON.parse(line));
      this.#attached.reject(new WippyError("Unavailable", "the runtime has ended"));
    } catch (error) {
      this.#attached.reject(withHint(error));
    }
    this.#listener.ended();
  }

  #take(message: DebugMessage): void {
    if ("attached" in message) {
      this.#session = message.attached;
      this.#attached.resolve();
    } else if ("event" in message) {
      this.#listener.event(message.event);
    } else {
      // A runtime that is gone is told by the end of its messages.
      this.#post("alive", []).catch(() => {});
    }
  }

  /** It runs already. */
  launch(): void {}

  /** Detaches; the runtime runs on. */
  release(): void {
    this.#over.abort();
  }
}
