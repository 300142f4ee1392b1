/**
 * Parts of services that run in the threads of workers, beside their VMs: a server whose requests begin and end in the
 * thread that runs their functions. The service stays on the node's thread and exchanges messages with its parts.
 * @module
 */
import type { LogLevel } from "../observe/log.ts";
import type { NearAnswer, OperationServices } from "../operations/operation.ts";
import type { Platform } from "../platform/platform.ts";
import type { Kind } from "../registry/kind.ts";
import { WippyError } from "../vm/error.ts";
import { asLua, type LuaValue } from "../vm/value.ts";
import type { FromWorker, PartOrder } from "./messages.ts";

/** The requester id of parts in the kernel; the node is -1, workers count from 0. */
export const PARTS = -2;

/** A call of a function that serves a request. */
export interface PartCall {
  /**
   * The outcome, if the call ended without waiting: a list as in a reply of `call_request`, in which headers may be one
   * text with a line feed after each name and each value.
   */
  outcome?: LuaValue;
  /** Otherwise the promise of the outcome. Rejected with its error. */
  answer: Promise<LuaValue>;
  /** Ends it, unless it has ended. @param reason what `answer` is rejected with */
  cancel(reason: WippyError): void;
}

/** The worker's interface for a part. */
export interface PartContext {
  /** Id of the service's entry. */
  readonly entry: string;
  readonly platform: Platform;
  readonly services: OperationServices;
  /**
   * Calls a function for a request at once, and lets the worker's units run for a turn.
   *
   * @param frame actor and scope of the call; false for none
   * @param trace id of the request's trace; false for a new one
   * @param request number that names the request in operations on it
   * @throws WippyError NotFound; Unavailable when the worker has died
   */
  call(
    functionId: string,
    frame: LuaValue,
    trace: string | false,
    checks: readonly { action: string; resource: string }[],
    request: number,
  ): PartCall;
  /** Sends a cloneable message to the service. */
  tell(message: unknown): void;
  log(level: LogLevel, message: string, fields: Record<string, unknown>): void;
}

/** A running part. */
export interface Part {
  /** Handles a message of the service. */
  told(message: unknown): void;
  /** Handles an operation of the module that a request's function uses. @throws WippyError */
  answer(operation: string, input: LuaValue): LuaValue | Promise<LuaValue>;
  /** See `OperationServices.near`. */
  near?(input: unknown, signal: AbortSignal, done: NearAnswer): boolean;
  /** Entries have changed. */
  changed(): void;
  /** Ends at once. */
  close(): void;
}

/** Makes the part of a service from the data that the service gives. @throws WippyError */
export type PartFactory = (context: PartContext, data: unknown) => Part;

/** A kind whose services have parts. */
interface PartKind extends Kind {
  readonly part: { load(): Promise<PartFactory> };
}

function hasParts(kind: Kind | undefined): kind is PartKind {
  return kind !== undefined && "part" in kind;
}

/** The worker, as its parts use it. */
export interface PartHost {
  readonly platform: Platform;
  readonly services: OperationServices;
  /** Asks the kernel for something, in the name of `PARTS`. */
  request(ticket: number, op: string, ...args: LuaValue[]): void;
  /** Calls `kernel.serve` with these arguments. Returns what it does; nothing if the worker has died. */
  serve(...call: LuaValue[]): LuaValue[];
  send(message: FromWorker): void;
}

/** The parts of one worker. */
export class Parts {
  readonly #host: PartHost;
  readonly #parts = new Map<string, Part>();
  /** Messages to a part whose code is being loaded. */
  readonly #early = new Map<string, unknown[]>();
  /** Calls that wait for their function. */
  readonly #open = new Map<number, PromiseWithResolvers<LuaValue>>();
  #last = 0;
  /** The call that is being made, and its outcome if it has ended. */
  #current = 0;
  #ended: [value: LuaValue, error: LuaValue] | undefined;
  #closed = false;

  constructor(host: PartHost) {
    this.#host = host;
  }

  /** Handles a command of the node. Rejected if a part cannot be created. */
  async take(entry: string, order: PartOrder): Promise<void> {
    if ("open" in order) return await this.#start(entry, order.open, order.data);
    if ("told" in order) this.#told(entry, order.told);
    else this.#end(entry);
  }

  /** Starts the part of a service; messages to it wait until then. */
  async #start(entry: string, kindName: string, data: unknown): Promise<void> {
    this.#parts.get(entry)?.close();
    this.#parts.delete(entry);
    const early: unknown[] = [];
    this.#early.set(entry, early);
    const { kinds } = await import("../registry/kinds.ts");
    const kind = kinds.get(kindName);
    if (!hasParts(kind)) throw new Error(`${kindName} has no parts`);
    const make = await kind.part.load();
    // Another start, or the end, has overtaken this one.
    if (this.#closed || this.#early.get(entry) !== early) return;
    this.#early.delete(entry);
    const { platform, services } = this.#host;
    const part = make({
      entry,
      platform,
      services,
      call: (...call) => this.#call(entry, ...call),
      tell: (message) => this.#host.send({ type: "part", entry, message }),
      log: (level, message, fields) => {
        const record = { level, time: platform.now(), logger: entry, message, fields };
        this.#host.send({ type: "log", record });
      },
    }, data);
    this.#parts.set(entry, part);
    for (const message of early) part.told(message);
  }

  #told(entry: string, message: unknown): void {
    const early = this.#early.get(entry);
    if (early) early.push(message);
    else this.#parts.get(entry)?.told(message);
  }

  #end(entry: string): void {
    this.#early.delete(entry);
    this.#parts.get(entry)?.close();
    this.#parts.delete(entry);
  }

  /** Entries have changed. */
  changed(): void {
    for (const part of this.#parts.values()) part.changed();
  }

  #answer(entry: string, operation: string, input: LuaValue): LuaValue | Promise<LuaValue> {
    const part = this.#parts.get(entry);
    if (part) return part.answer(operation, input);
    throw new WippyError("Internal", `${entry} has ended`, { retryable: false });
  }

  /** See `OperationServices.near`. */
  near(entry: string, input: unknown, signal: AbortSignal, done: NearAnswer): boolean {
    return this.#parts.get(entry)?.near?.(input, signal, done) ?? false;
  }

  /** See `Part.answer`, of what needs no waiting. @throws WippyError */
  look(entry: string, operation: string, input: LuaValue): LuaValue {
    const answer = this.#answer(entry, operation, input);
    if (!(answer instanceof Promise)) return answer;
    throw new WippyError("Internal", `${operation} does not answer at once`);
  }

  /** See `Part.answer`: the value, or nothing and the error. */
  async ask(entry: string, operation: string, input: LuaValue): Promise<LuaValue[]> {
    try {
      return [await this.#answer(entry, operation, input)];
    } catch (error) {
      return [undefined, WippyError.from(error)];
    }
  }

  #call(
    entry: string,
    functionId: string,
    frame: LuaValue,
    trace: string | false,
    checks: readonly { action: string; resource: string }[],
    request: number,
  ): PartCall {
    if (this.#closed) throw gone();
    const ticket = this.#last += 1;
    this.#current = ticket;
    const asked = checks.length > 0 && asLua(checks);
    const served = this.#host.serve(ticket, functionId, frame, trace, asked, entry, request);
    this.#current = 0;
    // Behind what `kernel.run` returns.
    if (served.length > 3) {
      const [, , , returned, status, rest, headers] = served;
      return {
        outcome: status === undefined
          ? [returned, false]
          : [returned, false, true, status, rest, headers],
        answer: never,
        cancel: () => {},
      };
    }
    const ended = this.#ended;
    this.#ended = undefined;
    if (ended) {
      if (ended[1] instanceof WippyError) throw ended[1];
      return { outcome: ended[0], answer: never, cancel: () => {} };
    }
    const answer = Promise.withResolvers<LuaValue>();
    // The worker may have died of it.
    if (this.#closed) answer.reject(gone());
    else this.#open.set(ticket, answer);
    return {
      answer: answer.promise,
      cancel: (reason) => {
        if (!this.#open.delete(ticket)) return;
        answer.reject(reason);
        this.#host.request(0, "cancel_call", PARTS, ticket);
      },
    };
  }

  /** Handles the outcome of a call. */
  answered(ticket: number, value: LuaValue, error: LuaValue): void {
    if (ticket === this.#current) {
      this.#ended = [value, error];
      return;
    }
    const open = this.#open.get(ticket);
    this.#open.delete(ticket);
    if (error instanceof WippyError) open?.reject(error);
    else open?.resolve(value);
  }

  /** Ends all parts, because the worker ends or has died. */
  close(): void {
    this.#closed = true;
    for (const part of this.#parts.values()) part.close();
    this.#parts.clear();
    this.#early.clear();
    for (const { reject } of this.#open.values()) reject(gone());
    this.#open.clear();
  }
}

/** The outcome of a call that has ended. */
const never = new Promise<never>(() => {});

function gone(): WippyError {
  return new WippyError("Unavailable", "the worker has ended", { retryable: true });
}
