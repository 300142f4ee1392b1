import { connect, type Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { DoorTls } from "./tls.ts";

/** Milliseconds for a handshake. */
const longestHandshake = 10_000;

/** Where a client is, as the system says it. */
export interface Client {
  address: string;
  port: number;
}

/** Whether a client may come in. */
function isLetIn(socket: TLSSocket, authentication: DoorTls["client_auth"]): boolean {
  const given = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  return authentication === "require_any" ? given : !given || socket.authorized;
}

/**
 * Takes the TLS connections of a server that listens on a port of the loopback interface alone, judges the
 * certificates of clients, and passes on the bytes of those that it lets in.
 */
export class Door {
  readonly #server: Server;
  /** Own port of a connection to the server, to the client that it is for. */
  readonly #clients = new Map<number, Client>();
  /** Connections to the server, each to that of its client. */
  readonly #passages = new Map<Socket, TLSSocket>();
  #empty: (() => void) | undefined;

  private constructor(tls: DoorTls, inner: number) {
    const { cert, key, client_ca, client_auth } = tls;
    this.#server = createServer({
      cert,
      key,
      ...(client_ca !== undefined && { ca: client_ca }),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: longestHandshake,
    }, (socket) => {
      if (isLetIn(socket, client_auth)) this.#pass(socket, inner);
      else socket.destroy();
    });
    this.#server.on("tlsClientError", (_, socket) => socket.destroy());
  }

  /**
   * Begins to take connections.
   *
   * @param inner port of the server
   * @throws Error of the system, such as EADDRINUSE
   */
  static async open(
    tls: DoorTls,
    { hostname, port }: { hostname?: string | undefined; port: number },
    inner: number,
  ): Promise<Door> {
    const door = new Door(tls, inner);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    door.#server.on("error", reject);
    door.#server.listen({ port, ...(hostname !== undefined && { host: hostname }) }, resolve);
    await promise;
    return door;
  }

  /** Where it listens. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Whom a connection to the server is for; undefined for one that did not come through this door. */
  clientAt(port: number | undefined): Client | undefined {
    return port === undefined ? undefined : this.#clients.get(port);
  }

  #pass(socket: TLSSocket, port: number): void {
    const { remoteAddress: address = "", remotePort = 0 } = socket;
    const inner = connect({ port, host: "127.0.0.1" });
    this.#passages.set(inner, socket);
    let own: number | undefined;
    inner.once("connect", () => {
      own = inner.localPort!;
      // Before its first byte arrives at the server, which asks for it.
      this.#clients.set(own, { address, port: remotePort });
      socket.pipe(inner);
      inner.pipe(socket);
    });
    inner.on("error", () => socket.destroy());
    inner.on("close", () => {
      // What the server has sent is still on its way to the client.
      socket.destroySoon();
      if (own !== undefined) this.#clients.delete(own);
    });
    socket.on("error", () => inner.destroy());
    socket.on("close", () => {
      inner.destroy();
      this.#passages.delete(inner);
      if (this.#passages.size === 0) this.#empty?.();
    });
  }

  /** Takes no connections any more; those that are open stay. */
  close(): void {
    this.#server.close();
  }

  /** Ends the connections of a server that has stopped; fulfilled when clients have what it has sent. */
  async drain(): Promise<void> {
    if (this.#passages.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#empty = resolve;
    for (const inner of this.#passages.keys()) inner.end();
    await promise;
  }

  /** Ends all connections. */
  end(): void {
    this.close();
    for (const [inner, socket] of this.#passages) {
      socket.destroy();
      inner.destroy();
    }
  }
}
