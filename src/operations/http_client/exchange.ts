/**
 * One request on the network: where it connects to, redirects, limits of time and size.
 * @module
 */
import { asLua, type LuaValue } from "../../vm/value.ts";
import { WippyError } from "../../vm/error.ts";
import { Bridge } from "../../network/bridge.ts";
import { dial } from "../../network/network.ts";
import type { Proxy } from "../../network/proxy.ts";
import { literalAddress } from "../../network/address.ts";
import { proxyOf } from "../network.ts";
import type { OperationServices } from "../operation.ts";
import type { ResourceTable } from "../resources.ts";
import { type Granted, missing, type Need, resolve } from "../../network/guard.ts";
import { unreachable } from "../../network/network.ts";
import { Patience, ResponseBody } from "./body.ts";
import { failed, nameOf } from "./failure.ts";
import { needsNode, nodeFetch } from "./node-fetch.ts";
import { needsOf, redirected, type Request } from "./request.ts";

const mostRedirects = 10;

/** What is sent as body: all of it, or what comes while it is sent. */
export type Content = string | Uint8Array | ReadableStream<Uint8Array>;

/** Where a request runs. */
export interface Place {
  /** Aborted when the unit is cancelled or ends. */
  signal: AbortSignal;
  resources: ResourceTable;
  /** `ACTION RESOURCE` of what was granted; undefined when nothing is asked. */
  granted: Granted;
  services: OperationServices;
}

/** What came of a request: a response, or permissions that are needed before it goes on. */
export type Outcome = { response: LuaValue } | { needs: Need[]; request: Request };

/** The proxy that a request goes through. @throws WippyError Invalid */
function throughProxy({ unix, network }: Request, { services }: Place): Proxy | undefined {
  return unix === undefined ? proxyOf(services, network) : undefined;
}

/** A socket file that leads through a proxy to the host of a request. */
async function bridgeTo(request: Request, proxy: Proxy, signal: AbortSignal): Promise<Bridge> {
  const url = new URL(request.url);
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const host = literalAddress(url) ?? url.hostname;
  const bridge = await Bridge.open(await dial({ host, port, proxy }, signal));
  if (signal.aborted) bridge.close();
  return bridge;
}

/** Where to connect to: addresses that were checked, or undefined to let the system choose. */
async function addressesOf(
  request: Request,
  place: Place,
  patience: Patience,
): Promise<{ addresses?: string[]; needs?: Need[] }> {
  if (place.granted === undefined) return {};
  // A proxy resolves the name where it is.
  if (request.unix !== undefined || throughProxy(request, place) !== undefined) return {};
  const resolved = resolve("http_client", new URL(request.url), place.granted);
  return await patience.during("dns", resolved);
}

/** The permissions that a request lacks before it may be sent, with those of the addresses that it would reach. */
export async function lacks(request: Request, place: Place): Promise<Need[]> {
  if (place.granted === undefined) return [];
  const known = missing(needsOf(request), place.granted);
  if (known.length > 0) return known;
  const name = () => nameOf(request.method, request.url);
  const patience = new Patience(name, request.timeout, place.signal);
  try {
    return (await addressesOf(request, place, patience)).needs ?? [];
  } finally {
    patience.end();
  }
}

async function connect(
  request: Request,
  content: Content | undefined,
  addresses: string[] | undefined,
  place: Place,
  patience: Patience,
): Promise<Response> {
  const proxy = throughProxy(request, place);
  const bridge = proxy &&
    await patience.during("connect", bridgeTo(request, proxy, patience.signal));
  const unix = bridge?.path ?? request.unix;
  const has = (wanted: string) =>
    request.headers.length > 0 && request.headers.some(([name]) => name.toLowerCase() === wanted);
  const send = (address: string | undefined) => {
    const headers = [...request.headers];
    let url: URL | string = request.url;
    let { tls } = request;
    if (address !== undefined) {
      const original = new URL(request.url);
      const secure = original.protocol === "https:";
      url = new URL(original);
      url.hostname = address.includes(":") ? `[${address}]` : address;
      if (!has("host")) headers.push(["Host", original.host]);
      if (secure) tls = { serverName: original.hostname, ...tls };
    }
    const options: BunFetchRequestInit = {
      method: request.method,
      headers,
      redirect: "manual",
      signal: patience.signal,
      // Who asks for an encoding gets the body as it was sent.
      decompress: !has("accept-encoding"),
      // Through a proxy of the environment, nobody knows which address is reached.
      ...((place.granted !== undefined || unix !== undefined) && { proxy: false }),
      ...(content !== undefined && { body: content as BodyInit }),
      ...(unix !== undefined && { unix }),
      // A bridge leads to one connection. The body of a response to a TRACE is not read, and would be taken for the
      // next response.
      ...((bridge || request.method === "TRACE") && { keepalive: false }),
      ...(tls && { tls: tls as NonNullable<BunFetchRequestInit["tls"]> }),
    };
    const given = place.services.fetch;
    if (content === undefined || given !== undefined || !needsNode(request.method)) {
      return (given ?? fetch)(url, options);
    }
    return nodeFetch(url, {
      method: request.method,
      headers,
      signal: patience.signal,
      decompress: options.decompress === true,
      body: content,
      unix,
      tls,
    });
  };
  if (addresses === undefined) {
    try {
      return await patience.during("headers", send(undefined));
    } catch (error) {
      bridge?.close();
      throw error;
    }
  }
  for (const [index, address] of addresses.entries()) {
    try {
      return await patience.during("headers", send(address));
    } catch (error) {
      const code = error instanceof WippyError ? error.details?.["code"] : undefined;
      const last = index === addresses.length - 1 || content instanceof ReadableStream;
      if (last || !unreachable.has(String(code))) throw error;
    }
  }
  throw failed(patience.what, "dns", "ENOTFOUND", "the host has no address");
}

/** A text of a header as the bytes that it was sent as. */
function headerBytes(text: string): LuaValue {
  return /[\x80-\xff]/.test(text) ? new Uint8Array(Buffer.from(text, "latin1")) : text;
}

/** Names of headers that are known by heart, as they are shown; servers send the same ones again and again. */
const canonicalNames = new Map<string, string>();
const mostNames = 1_000;

function canonical(name: string): string {
  const known = canonicalNames.get(name);
  if (known !== undefined) return known;
  const made = name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  if (canonicalNames.size < mostNames) canonicalNames.set(name, made);
  return made;
}

function describe(
  request: Request,
  response: Response,
  decompressed: boolean,
): Record<string, LuaValue> {
  const headers: Record<string, LuaValue> = {};
  const encoded = decompressed && response.headers.has("content-encoding");
  response.headers.forEach((value, name) => {
    if (encoded && (name === "content-encoding" || name === "content-length")) return;
    headers[canonical(name)] ??= headerBytes(value);
  });
  const cookies: Record<string, LuaValue> = {};
  const set = "Set-Cookie" in headers ? response.headers.getSetCookie() : [];
  for (const cookie of set) {
    const [pair] = cookie.split(";") as [string];
    const at = pair.indexOf("=");
    if (at > 0) cookies[pair.slice(0, at).trim()] = headerBytes(pair.slice(at + 1).trim());
  }
  return {
    status_code: response.status,
    url: request.url,
    ...(Object.keys(headers).length > 0 && { headers }),
    cookies,
  };
}

/** Sends a request and follows redirects. @throws WippyError Invalid, Internal or Canceled */
export async function exchange(
  first: Request,
  content: Content | undefined,
  place: Place,
): Promise<Outcome> {
  let request = first;
  const name = () => nameOf(request.method, request.url);
  const patience = new Patience(name, request.timeout, place.signal);
  try {
    while (true) {
      const known = place.granted ? missing(needsOf(request), place.granted) : [];
      const { addresses, needs } = known.length > 0
        ? { needs: known }
        : await addressesOf(request, place, patience);
      if (needs !== undefined) {
        // Whoever goes on with it has the time that is left.
        return { needs, request: { ...request, timeout: Math.max(1, patience.left()) } };
      }
      const body = request.bodiless ? undefined : content;
      const response = await connect(
        request,
        body,
        addresses,
        place,
        patience,
      );
      const location = response.headers.get("location");
      if (![301, 302, 303, 307, 308].includes(response.status) || location === null) {
        return { response: await received(request, response, place, patience) };
      }
      void response.body?.cancel().catch(() => {});
      if (request.redirects === mostRedirects) {
        throw failed(
          patience.what,
          "headers",
          "TOO_MANY_REDIRECTS",
          `more than ${mostRedirects} redirects`,
        );
      }
      request = redirected(request, response.status, location);
      if (content instanceof ReadableStream && !request.bodiless) {
        const text =
          `redirected with status ${response.status}, but a streamed body cannot be sent again; ` +
          `send it to ${request.url}`;
        throw failed(patience.what, "headers", "STREAMED_BODY", text);
      }
    }
  } finally {
    patience.end();
  }
}

async function received(
  request: Request,
  response: Response,
  place: Place,
  patience: Patience,
): Promise<LuaValue> {
  const asked = request.headers.some(([name]) => name.toLowerCase() === "accept-encoding");
  const known = describe(request, response, !asked);
  const body = new ResponseBody(response, request.limit, patience, request.method);
  if (request.stream) {
    patience.keep();
    return asLua({ ...known, body_size: -1, stream: place.resources.add(body) });
  }
  const bytes = await body.all();
  return asLua({ ...known, body_size: bytes.length, ...(bytes.length > 0 && { body: bytes }) });
}
