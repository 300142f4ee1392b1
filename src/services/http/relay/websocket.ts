import type { ServerWebSocket } from "bun";
import { writeJson } from "../../../operations/json/write.ts";
import { WippyError } from "../../../vm/error.ts";
import type { LuaValue } from "../../../vm/value.ts";
import type { ServiceContext, ServiceUnit } from "../../context.ts";
import { type Connection, type Relays, valueOf } from "./relay.ts";
import { type RelaySettings, settingsOf } from "./settings.ts";
import { Target } from "./target.ts";

/** Bytes of a message of a client; a larger one ends the connection with 1009. */
export const largestMessage = 32 * 1024;
/** Bytes that the socket of a slow client takes before messages wait here. */
const mostBuffered = 256 * 1024;
/** Bytes of the text in a close frame. */
const mostReason = 123;

/** What Bun keeps beside a WebSocket. */
export interface SocketData {
  connection: SocketConnection;
}

/** A text of at most so many bytes, cut between characters. */
function cut(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  return bytes.subarray(0, most).toString().replace(/\ufffd+$/, "");
}

/** A message to the client: one text frame. @throws WippyError Invalid for what is no JSON */
function frameOf(topic: string, value: LuaValue): string {
  try {
    const data = value instanceof Uint8Array
      ? JSON.stringify(Buffer.from(value).toString("base64"))
      : writeJson(value, new Set());
    return `{"data":${data},"topic":${JSON.stringify(topic)}}`;
  } catch (error) {
    const { message } = WippyError.from(error);
    throw new WippyError("Invalid", `${topic}: ${message}`, { retryable: false });
  }
}

/** The WebSocket of a client. */
export class SocketConnection implements Connection {
  readonly type = "websocket";
  readonly since: number;
  readonly #relays: Relays;
  readonly #unit: ServiceUnit;
  readonly #target: Target;
  readonly #settings: RelaySettings;
  readonly #frames: string[] = [];
  #socket: ServerWebSocket<SocketData> | undefined;
  #topic = "ws.message";
  #received = 0;
  #closing: { code: number; reason: string } | undefined;
  #ended = false;

  constructor(
    context: ServiceContext,
    relays: Relays,
    settings: RelaySettings,
    readonly remote: string,
  ) {
    this.#relays = relays;
    this.#settings = settings;
    this.since = context.platform.now();
    this.#unit = context.units.open({
      message: (topic, _from, values) => this.#message(topic, valueOf(values)),
      cancel: () => this.#close(1000, "Connection closed by server"),
      terminated: () => this.#close(1000, "Connection closed by server", true),
      exited: (pid) => {
        if (this.#target.is(pid)) this.#targetGone();
      },
    });
    this.#target = new Target(context, this.#unit, {
      prefix: "ws",
      limit: relays.limit,
      messages: () => this.#received,
      beat: () => {},
      gone: () => this.#targetGone(),
      refused: (error) => {
        context.log("warn", `${this.pid}: the target takes no message: ${error.message}`);
        this.#close(1011, "message refused");
      },
      describes: true,
    });
  }

  get pid(): string {
    return this.#unit.pid;
  }

  get target(): string | undefined {
    return this.#target.pid;
  }

  /** The handshake has been made. */
  opened(socket: ServerWebSocket<SocketData>): void {
    this.#socket = socket;
    this.#relays.add(this);
    if (this.#settings.topic) this.#topic = this.#settings.topic;
    this.#target.start(this.#settings);
  }

  /** A message of the client. */
  received(data: string | Uint8Array): void {
    this.#received += 1;
    if (!this.#target.post(this.#topic, typeof data === "string" ? data : new Uint8Array(data))) {
      this.#close(1013, "too many messages");
    }
  }

  #message(topic: string, value: LuaValue): void {
    if (topic === "ws.close") {
      const reason = typeof value === "string" && value !== "" ? value : undefined;
      return this.#close(1000, reason ?? "Connection closed by server");
    }
    if (topic === "ws.control") return this.#control(settingsOf(value, false));
    if (this.#closing) throw gone(this.pid);
    if (this.#frames.length >= this.#relays.limit) {
      throw new WippyError(
        "Unavailable",
        `mailbox full: ${this.pid} (limit ${this.#relays.limit})`,
        { retryable: true },
      );
    }
    this.#frames.push(frameOf(topic, value));
    this.pump();
  }

  #control(settings: RelaySettings): void {
    if (settings.topic !== undefined) this.#topic = settings.topic || "ws.message";
    this.#target.apply(settings);
  }

  /** Sends what waits, while the client takes it. */
  pump(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    while (this.#frames.length > 0 && socket.getBufferedAmount() < mostBuffered) {
      socket.send(this.#frames.shift()!);
    }
    if (this.#closing && this.#frames.length === 0) {
      const { code, reason } = this.#closing;
      socket.close(code, cut(reason, mostReason));
    }
  }

  #targetGone(): void {
    this.#target.close(false);
    this.#close(1000, "target process exited");
  }

  /** @param now what waits is not sent any more */
  #close(code: number, reason: string, now = false): void {
    this.#closing ??= { code, reason };
    if (now) this.#frames.length = 0;
    this.pump();
  }

  stop(): void {
    this.#close(1001, "server is stopping", true);
  }

  /** The connection has ended. */
  closed(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closing ??= { code: 1000, reason: "" };
    this.#frames.length = 0;
    this.#target.close(true);
    this.#relays.remove(this.pid);
    this.#unit.end("websocket connection closed");
  }
}

function gone(pid: string): WippyError {
  return new WippyError("NotFound", `process not found: ${pid}`, { retryable: false });
}
