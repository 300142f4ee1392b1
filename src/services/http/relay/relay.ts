/**
 * Connections that stay open, each a unit with a PID on the server: messages to it go to the client, and what the
 * client sends goes to the process that it belongs to.
 * @module
 */
import { asLua, type LuaValue } from "../../../vm/value.ts";
import type { Figure } from "../../service.ts";

/** Connections that tools see. */
const mostShown = 20;

/** One connection. */
export interface Connection {
  readonly pid: string;
  readonly type: "websocket" | "sse";
  /** Who it is, `ip:port`. */
  readonly remote: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly target: string | undefined;
  /** Ends it, because the server stops. */
  stop(): void;
}

/** The connections of one server. */
export class Relays {
  readonly #connections = new Map<string, Connection>();
  readonly #total = { websocket: 0, sse: 0 };
  #empty = Promise.withResolvers<void>();

  /** @param limit messages that wait for one WebSocket client, or for its target, at most */
  constructor(readonly limit: number) {
    this.#empty.resolve();
  }

  add(connection: Connection): void {
    if (this.#connections.size === 0) this.#empty = Promise.withResolvers();
    this.#connections.set(connection.pid, connection);
    this.#total[connection.type] += 1;
  }

  remove(pid: string): void {
    if (this.#connections.delete(pid) && this.#connections.size === 0) this.#empty.resolve();
  }

  /** All that are open. */
  get count(): number {
    return this.#connections.size;
  }

  #count(type: Connection["type"]): number {
    return [...this.#connections.values()].filter((connection) => connection.type === type).length;
  }

  /** Ends all of them; fulfilled when they have ended. */
  async stop(): Promise<void> {
    for (const connection of [...this.#connections.values()]) connection.stop();
    await this.#empty.promise;
  }

  /** What tools show. */
  inspect(): LuaValue {
    const shown = [...this.#connections.values()].slice(0, mostShown);
    return asLua({
      websocket: this.#count("websocket"),
      sse: this.#count("sse"),
      open: shown.map(({ pid, type, remote, since, target }) => ({
        pid,
        type,
        remote,
        since,
        ...(target !== undefined && { target }),
      })),
    });
  }

  figures(): Figure[] {
    const types = ["websocket", "sse"] as const;
    return types.flatMap((type) => [
      {
        name: "wippy_http_connections",
        help: "Connections of relays that are open.",
        labels: { type },
        value: this.#count(type),
      },
      {
        name: "wippy_http_connections_total",
        help: "Connections of relays that were opened.",
        labels: { type },
        value: this.#total[type],
      },
    ]);
  }
}

/** The one value of a message: one as itself, none as nil, several as a list. */
export function valueOf(values: LuaValue[]): LuaValue {
  return values.length > 1 ? values : values[0];
}
