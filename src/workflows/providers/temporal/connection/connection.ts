/**
 * Connections to a Temporal server and requests to its services.
 *
 * @example
 * ```ts
 * const connection = await connect({ address: "127.0.0.1:7233", namespace: "default" });
 * const { namespaces } = await connection.rpc("listNamespaces", {});
 * connection.close();
 * ```
 * @module
 */
import { hostname } from "node:os";
import { temporal } from "../messages/messages.ts";
import { machine } from "../../../../platform/machine.ts";
import { WippyError } from "../../../../vm/error.ts";
import type { methods } from "../messages/methods.ts";
import { Channel } from "./channel.ts";
import type { Header } from "./http2/hpack.ts";
import { codes, RpcError } from "./rpc-error.ts";
import type { ConnectionSettings } from "./settings.ts";

export { RpcError } from "./rpc-error.ts";

type Messages = typeof temporal.api.workflowservice.v1;

/** A method of Temporal's WorkflowService that this program calls, as `startWorkflowExecution`. */
export type RpcName = typeof methods[number];

/** The request of a method: a plain object of the message's fields. */
export type RpcRequest<Name extends RpcName> = Messages[`${Capitalize<Name>}Request`] extends
  { create(properties?: infer Fields): unknown } ? NonNullable<Fields> : never;

/** The response of a method. */
export type RpcResponse<Name extends RpcName> = `${Capitalize<Name>}Response` extends keyof Messages
  ? Messages[`${Capitalize<Name>}Response`] extends { decode(bytes: Uint8Array): infer Message }
    ? Message
  : never
  : never;

/** Timeout and cancellation of a request. */
export interface RpcOptions {
  /** Milliseconds. @default 10_000 */
  timeout?: number;
  /** Ends the request. The server may have processed it. */
  signal?: AbortSignal;
  /** Whether the request is sent again after a transient failure, until its timeout. @default true */
  retry?: boolean;
}

interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

/** A method, as requests need it. */
interface Method {
  path: string;
  request: Codec;
  response: Codec;
}

const codecs = temporal.api.workflowservice.v1 as object as Record<string, Codec>;

const operator = temporal.api.operatorservice.v1 as object as Record<string, Codec>;

/** Default timeout of a request, in milliseconds. */
const requestTimeout = 10_000;
/** Milliseconds before a failed request is sent again; the wait grows by half each time, up to the longest. */
const firstWait = 100;
const longestWait = 5_000;
/** The first wait where the server has asked for less. */
const limitedWait = 1_000;

/** Failures after which the same request may succeed. */
const transient: ReadonlySet<number> = new Set([
  codes.unknown,
  codes.resourceExhausted,
  codes.aborted,
  codes.internal,
  codes.unavailable,
  codes.dataLoss,
]);

/**
 * Connects to a server.
 *
 * @throws WippyError Unavailable (retryable) when the server cannot be reached; PermissionDenied, Timeout
 */
export async function connect(settings: ConnectionSettings): Promise<Connection> {
  const connection = new Connection(settings);
  try {
    await connection.check(settings.connectionTimeout ?? 10_000);
    return connection;
  } catch (error) {
    connection.close();
    throw unreachable(error, `reach Temporal at ${settings.address}`);
  }
}

/** Makes errors of an unreachable server retryable. */
function unreachable(error: unknown, what: string): WippyError {
  const { kind, message } = WippyError.from(error);
  const final = kind === "PermissionDenied" || kind === "Invalid";
  return new WippyError(
    final || kind === "Timeout" ? kind : "Unavailable",
    `cannot ${what}: ${message}`,
    { retryable: !final, cause: error },
  );
}

/** A way to a server, for all that share it. */
interface Shared {
  channel: Channel;
  apiKey: string | undefined;
  holders: number;
}

/** A connection, which reconnects by itself. */
export class Connection {
  readonly #settings: ConnectionSettings;
  readonly #shared: Shared;
  readonly #identity: string;
  #open = true;
  #last: { apiKey: string | undefined; headers: readonly Header[] } | undefined;

  constructor(
    settings: ConnectionSettings,
    shared: Shared = { channel: new Channel(settings), apiKey: settings.apiKey, holders: 0 },
  ) {
    this.#settings = settings;
    this.#identity = settings.identity ?? `${process.pid}@${hostname()}`;
    this.#shared = shared;
    shared.holders++;
  }

  /**
   * Returns the same connection for another holder: it ends when all have closed it.
   *
   * @param identity of the other holder; the same when absent
   * @throws WippyError Unavailable
   */
  share(identity = this.identity): Connection {
    this.#check();
    return new Connection({ ...this.#settings, identity }, this.#shared);
  }

  #check(): void {
    if (!this.#open) throw new WippyError("Unavailable", "the connection is closed");
  }

  /** Whether others hold the connection too. */
  get shared(): boolean {
    return this.#shared.holders > 1;
  }

  get address(): string {
    return this.#settings.address;
  }

  get namespace(): string {
    return this.#settings.namespace;
  }

  /** The identity of this client, for the field `identity` of requests. */
  get identity(): string {
    return this.#identity;
  }

  /**
   * Sends a request of Temporal's WorkflowService. `namespace` and `identity` are filled in where the message has
   * them and the request does not.
   *
   * @throws RpcError the server's error, by its kind; Unavailable while it cannot be reached; Timeout; the reason of
   *   the signal
   */
  async rpc<Name extends RpcName>(
    name: Name,
    request: RpcRequest<Name>,
    options: RpcOptions = {},
  ): Promise<RpcResponse<Name>> {
    const { path, message, read } = this.#encoded(name, request);
    return read(await this.#call(path, message, options));
  }

  /** Returns what sends a request, any number of times: see `rpc`. */
  prepare<Name extends RpcName>(
    name: Name,
    request: RpcRequest<Name>,
  ): (options: RpcOptions) => Promise<RpcResponse<Name>> {
    const { path, message, read } = this.#encoded(name, request);
    return async (options) => read(await this.#call(path, message, options));
  }

  #encoded<Name extends RpcName>(name: Name, fields: RpcRequest<Name>) {
    const { namespace, identity } = this;
    const { path, request, response } = methodOf(name);
    const message = request.encode({ namespace, identity, ...fields }).finish();
    const read = (bytes: Uint8Array) => response.decode(bytes) as RpcResponse<Name>;
    return { path, message, read };
  }

  /** The same list as long as the key is the same. */
  #headers(apiKey: string | undefined): readonly Header[] {
    if (this.#last && this.#last.apiKey === apiKey) return this.#last.headers;
    const headers: Header[] = [
      ["temporal-namespace", this.namespace],
      ["client-name", "wippy"],
      ["client-version", "0.1.0"],
    ];
    if (apiKey !== undefined) headers.push(["authorization", `Bearer ${apiKey}`]);
    this.#last = { apiKey, headers };
    return headers;
  }

  async #call(
    path: string,
    message: Uint8Array,
    { timeout = requestTimeout, signal, retry = true }: RpcOptions = {},
  ): Promise<Uint8Array> {
    const { channel, apiKey } = this.#shared;
    const headers = this.#headers(apiKey);
    const end = machine.precise() + timeout;
    for (let wait = firstWait;; wait = Math.min(longestWait, wait * 1.5)) {
      signal?.throwIfAborted();
      this.#check();
      const left = end - machine.precise();
      try {
        return await channel.call({ path, message, headers, timeout: left, signal });
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        this.#check();
        if (!retry || !(error instanceof RpcError)) throw error;
        if (!transient.has(error.code) && error.kind !== "Unavailable") throw error;
        if (error.code === codes.resourceExhausted) wait = Math.max(wait, limitedWait);
        if (machine.precise() + wait >= end) throw error;
        await pause(wait * (0.8 + 0.4 * machine.random.fraction()), signal);
      }
    }
  }

  /**
   * Adds search attributes to the namespace.
   *
   * @param types numbers of Temporal's enum `IndexedValueType`, by name
   * @throws RpcError PermissionDenied; Invalid for one that has another type
   */
  async addSearchAttributes(types: Readonly<Record<string, number>>): Promise<void> {
    const rpc = "AddSearchAttributes";
    const request = { namespace: this.namespace, searchAttributes: { ...types } };
    const message = operator[`${rpc}Request`]!.encode(request).finish();
    try {
      await this.#call(`/temporal.api.operatorservice.v1.OperatorService/${rpc}`, message);
    } catch (error) {
      const { kind, message, retryable } = WippyError.from(error);
      throw new WippyError(kind, `cannot add search attributes: ${message}`, {
        retryable,
        cause: error,
      });
    }
  }

  /** Checks the health of the server. @throws WippyError Unavailable, Timeout */
  async check(timeout = 5_000): Promise<void> {
    await this.rpc("getSystemInfo", {}, { timeout, retry: false });
  }

  /** Replaces the API key of later requests. */
  setApiKey(key: string): void {
    this.#shared.apiKey = key;
  }

  /** Ends the connection, and the requests on it if nobody else holds it. Calling it again has no effect. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (--this.#shared.holders === 0) this.#shared.channel.close();
  }
}

const known = new Map<RpcName, Method>();

function methodOf(name: RpcName): Method {
  let method = known.get(name);
  if (!method) {
    const rpc = name[0]!.toUpperCase() + name.slice(1);
    method = {
      path: `/temporal.api.workflowservice.v1.WorkflowService/${rpc}`,
      request: codecs[`${rpc}Request`]!,
      response: codecs[`${rpc}Response`]!,
    };
    known.set(name, method);
  }
  return method;
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = machine.setTimer(milliseconds, resolve);
  const abort = () => resolve();
  signal?.addEventListener("abort", abort, { once: true });
  await promise;
  cancel();
  signal?.removeEventListener("abort", abort);
}
