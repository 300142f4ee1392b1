import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WippyError } from "../../../vm/error.ts";

/** Certificates for a daemon that asks for them. */
export interface Certificates {
  ca: string;
  cert: string;
  key: string;
}

/** Where a daemon of Docker is. */
export type Address =
  | { unix: string }
  | { host: string; port: number; tls?: { rejectUnauthorized: boolean } & Partial<Certificates> };

/** The variables of the system that Docker's own tools read. */
export interface DockerVariables {
  DOCKER_HOST?: string | undefined;
  DOCKER_TLS_VERIFY?: string | undefined;
  DOCKER_CERT_PATH?: string | undefined;
}

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

function certificates(folder: string): Certificates {
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch (error) {
      const message = `DOCKER_CERT_PATH: ${name} cannot be read: ${(error as Error).message}`;
      throw new WippyError("Invalid", message, { retryable: false, cause: error });
    }
  };
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}

/**
 * The address of a daemon: of a URL `unix:///PATH`, `tcp://HOST:PORT`, `http://…` or `https://…`, else of `DOCKER_HOST`,
 * else the local socket.
 *
 * @throws WippyError Invalid
 */
export function addressOf(url: string | undefined, system: DockerVariables): Address {
  const text = url || system.DOCKER_HOST || "unix:///var/run/docker.sock";
  if (text.startsWith("unix://")) {
    const unix = text.slice("unix://".length);
    if (unix.startsWith("/")) return { unix };
    throw invalid(
      `host ${text}: write the absolute path of the socket, as in unix:///run/docker.sock`,
    );
  }
  const parsed = URL.parse(text);
  if (!parsed || !/^(tcp|https?):$/.test(parsed.protocol)) {
    throw invalid(
      `host ${text}: use unix:///PATH, tcp://HOST:PORT, http://HOST:PORT or https://HOST:PORT`,
    );
  }
  const verify = (system.DOCKER_TLS_VERIFY ?? "") !== "";
  const secure = parsed.protocol === "https:" || parsed.protocol === "tcp:" && verify;
  const { DOCKER_CERT_PATH: folder } = system;
  return {
    // The brackets of an IPv6 address belong to the URL.
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: parsed.port !== "" ? Number(parsed.port) : secure ? 2376 : 2375,
    ...(secure && {
      tls: {
        rejectUnauthorized: verify || folder === undefined,
        ...(folder !== undefined && folder !== "" && certificates(folder)),
      },
    }),
  };
}
