import { tlsFault } from "../../network/tls-fault.ts";
import type { HttpService } from "./schema.ts";

/** TLS for which a server needs a door. */
export type DoorTls = HttpService["tls"] & { client_auth: "require_any" | "verify_if_given" };

/**
 * Whether a server needs a `Door`: Bun's server admits all clients, or only those with a valid certificate, and does
 * not tell whether a client has one.
 */
export function needsDoor(tls: HttpService["tls"]): tls is DoorTls {
  return tls.client_auth === "require_any" || tls.client_auth === "verify_if_given";
}

/** What is wrong with the texts of certificates and keys, in words; undefined when each by itself is right. */
export function faultOf({ cert, key, client_ca }: HttpService["tls"]): string | undefined {
  return tlsFault({ cert, key, client_ca });
}
