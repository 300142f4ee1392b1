import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { WippyError } from "../../vm/error.ts";
import type { TemporalConnectionSettings } from "../../workflows/providers/providers.ts";
import type { ServiceContext } from "../context.ts";
import type { TemporalClientData } from "./schema.ts";

/** Builds the connection settings of an entry; reads the files that it names. @throws WippyError */
export async function connectionSettings(
  { directory }: Pick<ServiceContext, "directory">,
  data: TemporalClientData,
): Promise<TemporalConnectionSettings> {
  const { address, namespace, connection_timeout, keep_alive_time, keep_alive_timeout } = data;
  const { auth, tls } = data;
  const file = (path: string, field: string) => fileOf(resolve(directory, path), field);
  const apiKey = auth.type !== "api_key"
    ? undefined
    : auth.api_key ?? (await file(auth.api_key_file!, "auth.api_key_file")).toString().trim();
  const client = auth.type !== "mtls" ? undefined : {
    certificate: auth.cert_pem !== undefined
      ? Buffer.from(auth.cert_pem)
      : await file(auth.cert_file!, "auth.cert_file"),
    key: auth.key_pem !== undefined
      ? Buffer.from(auth.key_pem)
      : await file(auth.key_file!, "auth.key_file"),
  };
  // An API key must not be sent in clear text, and client certificates are part of TLS.
  const encrypted = tls.enabled || auth.type !== "none";
  return {
    address,
    namespace,
    connectionTimeout: connection_timeout,
    keepAlive: { time: keep_alive_time, timeout: keep_alive_timeout },
    ...apiKey !== undefined && { apiKey },
    ...encrypted && {
      tls: {
        ...tls.enabled && tls.ca_file !== undefined &&
          { ca: await file(tls.ca_file, "tls.ca_file") },
        ...tls.enabled && tls.server_name !== undefined && { serverName: tls.server_name },
        ...tls.enabled && tls.insecure_skip_verify && { insecure: true },
        ...client && { client },
      },
    },
  };
}

async function fileOf(path: string, field: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new WippyError(
      "Invalid",
      `${field}: ${path} cannot be read: ${(error as Error).message}`,
      {
        retryable: false,
        cause: error,
      },
    );
  }
}
