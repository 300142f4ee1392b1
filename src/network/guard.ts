/**
 * The guard of private addresses: which permissions a connection needs, and which address it then goes to.
 * @module
 */
import dns from "node:dns/promises";
import { isPrivate, literalAddress } from "./address.ts";

/** A permission that a connection needs. */
export interface Need {
  action: string;
  resource: string;
  /** The message of the error when it is refused. */
  message: string;
}

/** Actions and resources that were granted, as `ACTION RESOURCE`; undefined where nothing is checked. */
export type Granted = ReadonlySet<string> | undefined;

/** What is not granted yet. */
export function missing(needs: Need[], granted: Granted): Need[] {
  return needs.filter(({ action, resource }) => !granted?.has(`${action} ${resource}`));
}

function privateNeed(module: string, address: string): Need {
  return {
    action: `${module}.private_ip`,
    resource: address,
    message: `not allowed: private IP ${address}`,
  };
}

/** The permission to choose a network. */
export function selectNeed(network: string): Need {
  const message = `not allowed to select network: ${network}`;
  return { action: "network.select", resource: network, message };
}

/** What the host of a URL needs that is itself an address: the permission for a private one. */
export function literalNeeds(module: string, url: URL): Need[] {
  const address = literalAddress(url);
  return address !== undefined && isPrivate(address) ? [privateNeed(module, address)] : [];
}

/**
 * Resolves a name once. The connection must go to one of the addresses that this returns: a name that resolves to
 * something else a moment later gains nothing.
 *
 * @param module whose permission `MODULE.private_ip` opens private addresses
 * @returns the addresses, or the permissions that are lacking; neither where nothing is checked
 * @throws Error of the resolver
 */
export async function resolve(
  module: string,
  url: URL,
  granted: Granted,
): Promise<{ addresses?: string[]; needs?: Need[] }> {
  if (granted === undefined || literalAddress(url) !== undefined) return {};
  const found = await dns.lookup(url.hostname, { all: true });
  const addresses = found.map(({ address }) => address);
  const lacking = addresses.filter(isPrivate).map((address) => privateNeed(module, address));
  const needs = missing(lacking, granted);
  return needs.length > 0 ? { needs } : { addresses };
}
