import type { Proxy } from "../network/proxy.ts";
import { decodeEntry } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import { httpNetwork, socks5Network } from "../registry/kinds/network.ts";
import { WippyError } from "../vm/error.ts";
import type { OperationServices } from "./operation.ts";

const kinds = [[socks5Network, "socks5"], [httpNetwork, "http"]] as const;
const proxies = new WeakMap<Entry, Proxy>();

/** The kinds of networks, for messages. */
const known = kinds.map(([{ name }]) => name).join(" or ");

/**
 * The proxy that leads into a network.
 *
 * @param id a network entry; undefined: that of the configuration, if it names one
 * @returns undefined where nothing but the direct way is meant
 * @throws WippyError Invalid for an id that names no network
 */
export function proxyOf(services: OperationServices, id: string | undefined): Proxy | undefined {
  const wanted = id ?? services.defaultNetwork;
  if (wanted === undefined) return undefined;
  const entry = services.entry(wanted);
  const [kind, type] = kinds.find(([{ name }]) => name === entry?.kind) ?? [];
  if (entry === undefined || kind === undefined || type === undefined) {
    const found = entry === undefined ? "there is no such entry" : `it is a ${entry.kind}`;
    const message = `network ${wanted}: ${found}; use the id of a ${known} entry`;
    throw new WippyError("Invalid", message, { retryable: false });
  }
  const present = proxies.get(entry);
  if (present !== undefined) return present;
  const { addr, username, password } = decodeEntry(kind, entry, services.environment);
  const proxy = { type, ...addr, username, password };
  proxies.set(entry, proxy);
  return proxy;
}
