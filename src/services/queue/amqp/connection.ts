import type { ChannelModel, ConfirmChannel, Options, SocketOptions } from "amqplib";
import type { Platform } from "../../../platform/platform.ts";
import { WippyError } from "../../../vm/error.ts";
import type { LogLevel } from "../../../observe/log.ts";
import type { AmqpDriverSettings } from "../schema.ts";

/** What a connection needs of its service. */
export interface ConnectionPlace {
  platform: Platform;
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
}

/** A live connection with the channel on which all queues publish. */
export interface Live {
  model: ChannelModel;
  publisher: ConfirmChannel;
}

/** A failure of the broker as an error of the runtime. */
export function failureOf(error: unknown): WippyError {
  if (error instanceof WippyError) return error;
  const { message, code } = error as { message: string; code?: unknown };
  const text = `the broker: ${message}`;
  if (/ACCESS[_-]REFUSED/i.test(message) || code === 403) {
    return new WippyError("PermissionDenied", text, { retryable: false, cause: error });
  }
  if (/PRECONDITION[_-]FAILED/i.test(message) || code === 406) {
    return new WippyError("Invalid", text, { retryable: false, cause: error });
  }
  return new WippyError("Unavailable", text, { retryable: true, cause: error });
}

function canceled(): WippyError {
  return new WippyError("Canceled", "operation canceled", { retryable: false });
}

/** Where and as whom to connect; the parts that an entry has of its own win over those of its address. */
async function optionsOf(settings: AmqpDriverSettings): Promise<[Options.Connect, SocketOptions]> {
  const { credentials } = await import("amqplib");
  const { tls } = settings;
  const url = new URL(settings.url);
  const user = decodeURIComponent(url.username || "guest");
  const password = decodeURIComponent(url.password || "guest");
  const path = decodeURIComponent(url.pathname.slice(1));
  const mechanisms = {
    PLAIN: () => credentials.plain(user, password),
    AMQPLAIN: () => credentials.amqplain(user, password),
    EXTERNAL: () => credentials.external(),
  };
  const encrypted = tls.enabled || url.protocol === "amqps:";
  const connect: Options.Connect = {
    protocol: encrypted ? "amqps" : "amqp",
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (encrypted ? 5671 : 5672),
    vhost: settings.vhost ?? (path === "" ? "/" : path),
    ...(settings.heartbeat !== undefined && { heartbeat: Math.ceil(settings.heartbeat / 1000) }),
    ...(settings.frame_size !== undefined && { frameMax: settings.frame_size }),
    ...(settings.channel_max !== undefined && { channelMax: settings.channel_max }),
  };
  const socket: SocketOptions = {
    noDelay: true,
    timeout: settings.connection_timeout,
    credentials: mechanisms[settings.auth_mechanism](),
    clientProperties: { connection_name: settings.connection_name ?? "wippy" },
    ...(encrypted && {
      rejectUnauthorized: !tls.insecure_skip_verify,
      ...(tls.server_name !== undefined && { servername: tls.server_name }),
      ...(tls.cert !== undefined && { cert: tls.cert }),
      ...(tls.key !== undefined && { key: tls.key }),
      ...(tls.ca !== undefined && { ca: tls.ca }),
    }),
  };
  return [connect, socket];
}

/** A connection to a broker that is made again when it breaks. */
export class AmqpConnection {
  readonly #settings: AmqpDriverSettings;
  readonly #place: ConnectionPlace;
  #live: Live | undefined;
  /** Fulfilled with the next connection; replaced when one breaks. */
  #next = Promise.withResolvers<Live>();
  #cancelRetry = () => {};
  #closed = true;
  /** Connections made. */
  made = 0;
  /** Called for each new connection. */
  connected: (live: Live) => Promise<void> = () => Promise.resolve();

  constructor(settings: AmqpDriverSettings, place: ConnectionPlace) {
    this.#settings = settings;
    this.#place = place;
  }

  get isLive(): boolean {
    return this.#live !== undefined;
  }

  /** Connects. @throws WippyError Unavailable (retryable), PermissionDenied */
  async open(): Promise<void> {
    this.#closed = false;
    try {
      await this.#connect();
    } catch (error) {
      this.#closed = true;
      throw failureOf(error);
    }
  }

  async #connect(): Promise<void> {
    const { connect } = await import("amqplib");
    const [options, socket] = await optionsOf(this.#settings);
    const model = await connect(options, socket);
    if (this.#closed) return await model.close();
    let reason: Error | undefined;
    model.on("error", (error) => reason = error);
    model.on("blocked", (why) => this.#place.log("warn", `the broker takes nothing: ${why}`));
    model.on("unblocked", () => this.#place.log("info", "the broker takes messages again"));
    try {
      const publisher = await model.createConfirmChannel();
      const live = { model, publisher };
      model.on("close", () => this.#broken(live, reason));
      // Without a listener an error of a channel would end the program.
      publisher.on("error", (error) => {
        reason = error;
        model.close().catch(() => {});
      });
      await this.connected(live);
      this.#live = live;
    } catch (error) {
      await model.close().catch(() => {});
      throw error;
    }
    this.made += 1;
    this.#next.resolve(this.#live);
  }

  #broken(live: Live, reason: Error | undefined): void {
    if (this.#live !== live) return;
    this.#live = undefined;
    this.#next = Promise.withResolvers();
    if (this.#closed) return;
    const error = reason?.message ?? "the broker closed the connection";
    this.#place.log("warn", "the connection to the broker is lost; it is made again", { error });
    this.#retry(1);
  }

  #retry(attempt: number): void {
    const { reconnect_delay, reconnect_max_delay } = this.#settings;
    const { platform, log } = this.#place;
    const full = Math.min(reconnect_max_delay, reconnect_delay * 2 ** (attempt - 1));
    // Not all clients of a broker that comes back at the same moment.
    const delay = full * (0.8 + 0.2 * platform.random.fraction());
    this.#cancelRetry = platform.setTimer(delay, async () => {
      try {
        await this.#connect();
        if (!this.#closed) log("info", "connected to the broker again");
      } catch (error) {
        if (this.#closed) return;
        log("warn", "cannot connect to the broker", { error: failureOf(error).message, attempt });
        this.#retry(attempt + 1);
      }
    });
  }

  /**
   * The connection; waits for one that is being made again, as long as a connection may take.
   *
   * @throws WippyError Unavailable (retryable), Canceled
   */
  async live(signal?: AbortSignal): Promise<Live> {
    if (this.#live) return this.#live;
    const away = () =>
      new WippyError("Unavailable", "there is no connection to the broker", { retryable: true });
    if (this.#closed) throw away();
    const ended = Promise.withResolvers<never>();
    const cancel = () => ended.reject(canceled());
    if (signal?.aborted) throw canceled();
    signal?.addEventListener("abort", cancel, { once: true });
    const { platform } = this.#place;
    const cancelTimer = platform.setTimer(
      this.#settings.connection_timeout,
      () => ended.reject(away()),
    );
    try {
      return await Promise.race([this.#next.promise, ended.promise]);
    } finally {
      cancelTimer();
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Ends the connection, or the attempts to make it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry();
    const live = this.#live;
    this.#live = undefined;
    await live?.model.close().catch(() => {});
  }
}
