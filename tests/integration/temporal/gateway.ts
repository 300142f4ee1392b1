import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { cleanAfterTest } from "../../cleanup.ts";

/** What stands before a server and takes TLS, as that of Temporal Cloud. */
export interface Gateway {
  readonly address: string;
  /** Common names of the clients' certificates, one for each connection; empty without one. */
  readonly clients: string[];
  /** Requests that were passed on. */
  readonly passed: number;
}

/**
 * Opens a gateway to a server's port, which is closed after the test.
 *
 * @param apiKey the only one that is let through; every request is, without it
 */
export async function gateway(
  port: number,
  { apiKey, ...tls }: SecureServerOptions & { apiKey?: string },
): Promise<Gateway> {
  const clients: string[] = [];
  let passed = 0;
  const far = connect(`http://127.0.0.1:${port}`);
  const near = createSecureServer(tls);
  near.on("secureConnection", (socket: TLSSocket) => {
    clients.push(String(socket.getPeerCertificate()?.subject?.CN ?? ""));
  });
  near.on("sessionError", () => {});
  near.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => {});
    if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`) {
      stream.respond({
        ":status": 200,
        "content-type": "application/grpc",
        "grpc-status": "16",
        "grpc-message": "Request unauthorized.",
      }, { endStream: true });
      return;
    }
    passed++;
    pass(stream, headers, far);
  });
  await new Promise<void>((resolve) => near.listen(0, "127.0.0.1", resolve));
  cleanAfterTest(() => {
    far.destroy();
    near.close();
  });
  const { port: own } = near.address() as AddressInfo;
  return {
    address: `127.0.0.1:${own}`,
    clients,
    get passed() {
      return passed;
    },
  };
}

function pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, far: ClientHttp2Session) {
  const { ":scheme": _, ":authority": __, authorization: ___, ...rest } = headers;
  const request = far.request(rest);
  request.on("error", () => stream.close());
  request.on("response", ({ ":status": status, ...head }) => {
    // A refusal has its status here, and no message.
    const over = "grpc-status" in head;
    stream.respond(
      { ...head, ":status": Number(status) },
      over ? { endStream: true } : { waitForTrailers: true },
    );
  });
  request.on("trailers", (trailers) => {
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end();
  });
  request.on("data", (bytes: Uint8Array) => void stream.write(bytes));
  stream.on("data", (bytes: Uint8Array) => void request.write(bytes));
  stream.on("end", () => request.end());
  stream.on("close", () => request.close());
}
