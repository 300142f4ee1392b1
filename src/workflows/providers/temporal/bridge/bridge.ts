/**
 * Temporal's Core as a typed interface: connections, requests and workers. Arguments and results are the messages of
 * `@temporalio/proto`.
 *
 * @example
 * ```ts
 * const connection = await connect({ address: "127.0.0.1:7233", namespace: "default" });
 * const { namespaces } = await connection.rpc("listNamespaces", {});
 * const worker = await connection.worker({ taskQueue: "orders" });
 * for (let activation; (activation = await worker.pollActivation());) {
 *   await worker.completeActivation(await answer(activation));
 * }
 * await worker.finalize();
 * connection.close();
 * ```
 * @module
 */
import { hostname } from "node:os";
import { temporal } from "@temporalio/proto";
import { WippyError } from "../../../../vm/error.ts";
import { type Addon, loadAddon } from "./addon.ts";
import { CoreRuntime } from "./core-runtime.ts";
import { bridgeError } from "./rpc-error.ts";
import type { ConnectionSettings, WorkerSettings } from "./settings.ts";
import { CoreWorker } from "./worker.ts";

export { RpcError } from "./rpc-error.ts";
export type { CoreWorker } from "./worker.ts";

type Client = ReturnType<Addon["newClient"]> extends Promise<infer Made> ? Made : never;
type Messages = typeof temporal.api.workflowservice.v1;

/** A method of Temporal's WorkflowService, as `startWorkflowExecution`. */
export type RpcName = {
  [Name in keyof Messages]: Name extends `${infer Method}Request` ? Uncapitalize<Method> : never;
}[keyof Messages];

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
  /** Ends the wait. The server may still process the request. */
  signal?: AbortSignal;
  /** Whether Core retries the request after a transient failure. @default true */
  retry?: boolean;
}

interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

const codecs = temporal.api.workflowservice.v1 as object as Record<string, Codec>;

/** Default timeout of a request. */
const requestTimeout = 10_000;

/**
 * Connects to a server.
 *
 * @throws WippyError NotFound when the addon is absent; Unavailable (retryable) when the server cannot be reached;
 *   PermissionDenied, Timeout
 */
export async function connect(settings: ConnectionSettings): Promise<Connection> {
  const addon = loadAddon(settings.folders);
  const runtime = CoreRuntime.acquire(addon, settings.log);
  const what = `reach Temporal at ${settings.address}`;
  try {
    const timeout = settings.connectionTimeout ?? 10_000;
    const client = await within(addon.newClient(runtime.native, clientOptions(settings)), timeout)
      .catch((error) => {
        throw unreachable(error, what);
      });
    return new Connection(addon, runtime, client, settings);
  } catch (error) {
    runtime.release();
    throw error;
  }
}

/** Makes errors of an unreachable server retryable, whatever Core reports. */
function unreachable(error: unknown, what: string): WippyError {
  if (error instanceof WippyError) {
    return new WippyError(error.kind, `cannot ${what}: ${error.message}`, error);
  }
  const known = bridgeError(error, what);
  const final = known.kind === "PermissionDenied" || known.kind === "Invalid";
  if (final || known.retryable) return known;
  return new WippyError("Unavailable", known.message, { retryable: true, cause: error });
}

async function within<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value> {
  const late = AbortSignal.timeout(milliseconds);
  try {
    return await unlessAborted(promise, late);
  } catch (error) {
    if (!late.aborted) throw error;
    const message = `no response within ${milliseconds} ms`;
    throw new WippyError("Timeout", message, { retryable: true });
  }
}

function clientOptions(settings: ConnectionSettings): Parameters<Addon["newClient"]>[1] {
  const { address, tls, apiKey } = settings;
  return {
    targetUrl: `${tls ? "https" : "http"}://${address}`,
    clientName: "wippy",
    clientVersion: "0.1.0",
    tls: tls
      ? {
        domain: tls.serverName ?? null,
        serverRootCaCert: tls.ca ? Buffer.from(tls.ca) : null,
        clientTlsOptions: tls.client
          ? {
            clientCert: Buffer.from(tls.client.certificate),
            clientPrivateKey: Buffer.from(tls.client.key),
          }
          : null,
      }
      : null,
    httpConnectProxy: null,
    dnsLoadBalancingConfig: null,
    grpcCompression: { codec: "none" },
    headers: { "temporal-namespace": { type: "ascii", value: settings.namespace } },
    apiKey: apiKey ?? null,
    disableErrorCodeMetricTags: false,
    payloadsWarnSize: 512 * 1024,
    memoWarnSize: 2_048,
  };
}

/** A connection, which reconnects by itself. Several workers may share it. */
export class Connection {
  readonly #addon: Addon;
  readonly #runtime: CoreRuntime;
  readonly #client: Client;
  readonly #settings: ConnectionSettings;
  readonly #shares: { open: number };
  #open = true;

  constructor(
    addon: Addon,
    runtime: CoreRuntime,
    client: Client,
    settings: ConnectionSettings,
    shares = { open: 0 },
  ) {
    this.#addon = addon;
    this.#runtime = runtime;
    this.#client = client;
    this.#settings = settings;
    this.#shares = shares;
    shares.open++;
  }

  /** Returns the same connection for another holder: it ends when all have closed it. @throws WippyError Unavailable */
  share(): Connection {
    this.#check();
    return new Connection(
      this.#addon,
      this.#runtime,
      this.#client,
      this.#settings,
      this.#shares,
    );
  }

  #check(): void {
    if (!this.#open) throw new WippyError("Unavailable", "the connection is closed");
  }

  /** Whether others hold the connection too. */
  get shared(): boolean {
    return this.#shares.open > 1;
  }

  get address(): string {
    return this.#settings.address;
  }

  get namespace(): string {
    return this.#settings.namespace;
  }

  /** The identity of this client, for the field `identity` of requests. */
  get identity(): string {
    return this.#settings.identity ?? `${process.pid}@${hostname()}`;
  }

  /**
   * Sends a request of Temporal's WorkflowService. `namespace` and `identity` are filled in where the message has
   * them and the request does not.
   *
   * @throws RpcError the server's error, by its kind; Unavailable while it cannot be reached; Timeout; Canceled
   */
  async rpc<Name extends RpcName>(
    name: Name,
    request: RpcRequest<Name>,
    { timeout = requestTimeout, signal, retry = true }: RpcOptions = {},
  ): Promise<RpcResponse<Name>> {
    signal?.throwIfAborted();
    this.#check();
    const rpc = name[0]!.toUpperCase() + name.slice(1);
    const { namespace, identity } = this;
    const message = { namespace, identity, ...request };
    const answer = this.#addon.clientSendWorkflowServiceRequest(this.#client, {
      rpc,
      req: Buffer.from(codecs[`${rpc}Request`]!.encode(message).finish()),
      retry,
      metadata: {},
      timeout,
    }).catch((error) => {
      if (!this.#open) throw new WippyError("Unavailable", "the connection is closed");
      throw bridgeError(error);
    });
    const bytes = await (signal ? unlessAborted(answer, signal) : answer);
    return codecs[`${rpc}Response`]!.decode(bytes) as RpcResponse<Name>;
  }

  /**
   * Adds search attributes to the namespace.
   *
   * @param types numbers of Temporal's enum `IndexedValueType`, by name
   * @throws RpcError PermissionDenied; Invalid for one that has another type
   */
  async addSearchAttributes(types: Readonly<Record<string, number>>): Promise<void> {
    const { AddSearchAttributesRequest } = temporal.api.operatorservice.v1;
    const message = { namespace: this.namespace, searchAttributes: { ...types } };
    await this.#addon.clientSendOperatorServiceRequest(this.#client, {
      rpc: "AddSearchAttributes",
      req: Buffer.from(AddSearchAttributesRequest.encode(message).finish()),
      retry: true,
      metadata: {},
      timeout: requestTimeout,
    }).catch((error) => {
      throw bridgeError(error, "add search attributes");
    });
  }

  /** Checks the health of the server. @throws WippyError Unavailable, Timeout */
  async check(timeout = 5_000): Promise<void> {
    await this.rpc("getSystemInfo", {}, { timeout, retry: false });
  }

  /**
   * Starts a worker, which polls immediately.
   *
   * @throws WippyError NotFound for an unknown namespace; Invalid for settings that Core refuses
   */
  async worker(settings: WorkerSettings): Promise<CoreWorker> {
    const { identity, namespace } = this;
    return await CoreWorker.start(this.#addon, this.#client, { identity, ...settings }, namespace);
  }

  /** Replaces the API key of later requests. */
  setApiKey(key: string): void {
    this.#addon.clientUpdateApiKey(this.#client, key);
  }

  /** Ends the connection; workers must have been finalized. Calling it again has no effect. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (--this.#shares.open > 0) return;
    this.#addon.clientClose(this.#client);
    this.#runtime.release();
  }
}

async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  // A caller that has stopped waiting does not get the outcome.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
