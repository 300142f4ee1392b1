import { asLua, type LuaValue } from "../../vm/value.ts";
import { WippyError } from "../../vm/error.ts";
import {
  connectTemporal,
  type PayloadKeys,
  type TemporalConnection,
} from "../../workflows/providers/providers.ts";
import type { ServiceContext } from "../context.ts";
import { type Figure, type Service, type Started, untilStopped } from "../service.ts";
import { payloadKeys } from "../payload-keys.ts";
import { connectionSettings } from "./connection-settings.ts";
import type { TemporalClientData } from "./schema.ts";

/** Timeout of a health check, in milliseconds. */
const checkTimeout = 5_000;

export function runTemporalClient(context: ServiceContext, data: TemporalClientData): Service {
  return new TemporalClient(context, data);
}

/** A connection to a server. It reconnects by itself; the health check reports when it is lost and regained. */
export class TemporalClient implements Service {
  readonly keys: PayloadKeys | undefined;
  readonly #context: ServiceContext;
  readonly #life: Service;
  #connection: TemporalConnection | undefined;
  #healthy = false;
  #checks = 0;
  #cancel = () => {};

  /** @throws WippyError Invalid for a key of the wrong size */
  constructor(context: ServiceContext, readonly data: TemporalClientData) {
    this.#context = context;
    this.keys = payloadKeys(data.payload_codec);
    this.#life = untilStopped({ open: () => this.#open(), close: () => this.#close() });
  }

  /**
   * Returns a share of the connection, which the caller must close.
   *
   * @param identity shown in Temporal's tools; the client's own when absent
   * @throws WippyError Unavailable when the client does not run
   */
  share(identity?: string): TemporalConnection {
    if (this.#connection) return this.#connection.share(identity);
    throw new WippyError("Unavailable", `${this.#context.entry.id} is not connected`, {
      retryable: true,
    });
  }

  start(): Promise<Started> {
    return this.#life.start();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  kill(): Promise<void> {
    return this.#life.kill();
  }

  inspect(): LuaValue {
    const { address, namespace, ui, tq_prefix } = this.data;
    return asLua({
      address,
      namespace,
      healthy: this.#healthy,
      checks: this.#checks,
      ...ui !== undefined && { ui },
      ...tq_prefix !== "" && { tq_prefix },
    });
  }

  summary(): string {
    const { address, namespace } = this.data;
    return `${namespace} at ${address}${this.#healthy ? "" : ", not reachable"}`;
  }

  figures(): Figure[] {
    return [
      {
        name: "wippy_temporal_server_reachable",
        help: "Whether the Temporal server answered the last health check.",
        value: this.#healthy ? 1 : 0,
      },
    ];
  }

  async #open(): Promise<void> {
    const { tls } = this.data;
    if (tls.enabled && tls.insecure_skip_verify) {
      this.#context.log("warn", "tls.insecure_skip_verify accepts every server", {});
    }
    const connection = await connectTemporal(await connectionSettings(this.#context, this.data));
    try {
      await connection.check(checkTimeout);
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#connection = connection;
    this.#healthy = true;
    this.#checks++;
    if (this.data.health_check.enabled) this.#checkLater(connection);
  }

  #close(): void {
    this.#cancel();
    this.#connection?.close();
    this.#connection = undefined;
    this.#healthy = false;
  }

  #checkLater(connection: TemporalConnection): void {
    const { platform } = this.#context;
    this.#cancel = platform.setTimer(this.data.health_check.interval, async () => {
      const why = await connection.check(checkTimeout).then(
        () => undefined,
        (error) => WippyError.from(error),
      );
      if (this.#connection !== connection) return;
      this.#checks++;
      this.#note(why);
      this.#checkLater(connection);
    });
  }

  /** Logs once when the server is lost, and once when it is back. */
  #note(error: WippyError | undefined): void {
    if (this.#healthy === (error === undefined)) return;
    this.#healthy = error === undefined;
    const { log } = this.#context;
    const { address } = this.data;
    if (error) log("warn", `Temporal at ${address} cannot be reached`, { error: error.message });
    else log("info", `Temporal at ${address} is reachable again`);
  }
}
