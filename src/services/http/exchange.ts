import type { Frame } from "../context.ts";
import type { SocketConnection } from "./relay/websocket.ts";

/** Seconds after which the connection of a client that does not read its response is ended. */
export const patience = 60;

/** A permission that the identity of a request must have before its function runs. */
export interface Check {
  action: string;
  resource: string;
}

/** One request on its way through middleware to the function of its endpoint. */
export interface Exchange {
  readonly request: Request;
  readonly url: URL;
  /** `ip:port` of who sent it; the bare address after `real_ip`. */
  remote: string;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  /** In whose name it runs: actor and scope. */
  frame: Frame;
  /** The trace of the caller that it belongs to, if that says one: 32 hexadecimal digits. */
  readonly trace: string | undefined;
  /** The endpoint: known after the match, which the first chain does not look at. */
  endpoint: string | undefined;
  readonly params: Record<string, string>;
  /** Asked for, in order, just before the function runs. */
  readonly checks: Check[];
  /** Ends the connection when nothing moves on it for so many seconds, from now on; 0: never. */
  limitSilence(seconds: number): void;
  /**
   * Set where the response is to be the beginning of a WebSocket: makes its connection.
   *
   * @param upgrade answers the handshake; false where that cannot be done
   */
  upgrade?: (upgrade: (connection: SocketConnection) => boolean) => boolean;
}

/** Makes the response to a request; at once where nothing is waited for. */
export type Handler = (exchange: Exchange) => Response | Promise<Response>;

/** A response of a few words. */
export function plain(
  status: number,
  text: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(text, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

const streamed = new WeakSet<Response>();

/** Notes that the body of a response is written while it is sent. */
export function markStreamed(response: Response): Response {
  streamed.add(response);
  return response;
}

/** Whether the body of a response is written while it is sent, so that its end may be far away. */
export function isStreamed(response: Response): boolean {
  return streamed.has(response);
}
