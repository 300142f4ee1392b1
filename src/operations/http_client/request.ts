/**
 * What a program asks for, checked: from the options of a call to the request that is sent.
 * @module
 */
import type * as zod from "zod";
import { BoundedMap } from "../../platform/bounded-map.ts";
import { parseDuration } from "../../registry/duration.ts";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { isTable, type LuaValue } from "../../vm/value.ts";
import { bytesOf, luaList, luaString } from "../operation.ts";
import { literalNeeds, type Need, selectNeed } from "../../network/guard.ts";
import { tlsFault } from "../../network/tls-fault.ts";
import { invalid } from "./failure.ts";

const defaultTimeout = 30_000;
const defaultLimit = 120 * 1024 * 1024;
/** A name of a header, a method, a subprotocol. */
export const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What the client itself says about the connection and the length of a body. */
const ownHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const texts = lazy(() => z.record(z.string(), luaString()));

/** The options of a call, of which the body is passed on its own. */
export const options = lazy(() =>
  z.object({
    headers: texts().optional(),
    query: texts().optional(),
    form: texts().optional(),
    cookies: texts().optional(),
    auth: z.object({ user: luaString(), pass: luaString() }).optional(),
    timeout: z.union([z.string(), z.number()], {
      error: "timeout is a number of seconds or a duration such as 1m30s",
    }).optional(),
    stream: z.boolean({ error: "stream is a boolean" }).optional(),
    max_response_body: z.int({ error: "max_response_body is a number of bytes" }).min(0, {
      error: "max_response_body is a number of bytes, 0 for the default",
    }).optional(),
    unix_socket: z.string({ error: "unix_socket is a path" }).optional(),
    tls: z.object({
      cert: z.string().optional(),
      key: z.string().optional(),
      ca: z.string().optional(),
      server_name: z.string().optional(),
      insecure_skip_verify: z.boolean().optional(),
    }).optional(),
    overlay_network: z.string({ error: "overlay_network is the id of a network entry" }).optional(),
    /** The network that the unit was given. */
    inherited_network: z.string().optional(),
  })
);

/** Whether options are valid at first sight, as those of most requests are. */
export function isPlain(given: LuaValue): boolean {
  return isTable(given) && Object.entries(given).every(([name, value]) => {
    switch (name) {
      case "timeout":
        return typeof value === "number" || typeof value === "string";
      case "stream":
        return typeof value === "boolean";
      case "inherited_network":
        return typeof value === "string";
      default:
        return false;
    }
  });
}

/** A request that can be sent; the next one after a redirect has the same form. */
export const request = lazy(() =>
  z.object({
    method: z.string(),
    /** Without user and password. */
    url: z.string(),
    /** What the permission `http_client.request` is asked for. */
    resource: z.string(),
    /** Names and values; a value's characters are its bytes. */
    headers: luaList(z.tuple([z.string(), z.string()])),
    /** Encoded fields of a form. */
    form: z.string().optional(),
    /** Milliseconds for all of it, and with `stream` for the headers and for each part of the body. */
    timeout: z.number(),
    stream: z.boolean(),
    /** Bytes of the response's body at most. */
    limit: z.number(),
    unix: z.string().optional(),
    /** The network entry through which it goes; absent: that of the configuration. */
    network: z.string().optional(),
    /** Whether the program itself chose the network, for which it needs the permission. */
    selected: z.boolean().optional(),
    tls: z.object({
      cert: z.string().optional(),
      key: z.string().optional(),
      ca: z.string().optional(),
      serverName: z.string().optional(),
      rejectUnauthorized: z.literal(false).optional(),
    }).optional(),
    /** Redirects that were followed. */
    redirects: z.number(),
    /** Set by a redirect that turns the request into one without body. */
    bodiless: z.boolean().optional(),
  })
);

/** Of a call, without the body. */
export type Options = zod.output<ReturnType<typeof options>>;
/** As it is sent. */
export type Request = zod.output<ReturnType<typeof request>>;

/** The bytes of a Lua string as characters, which is how headers travel. */
function wire(value: string | Uint8Array): string {
  return Buffer.from(bytesOf(value)).toString("latin1");
}

/** Encodes for a query or a form: a space becomes `+`. */
function encoded(value: string | Uint8Array): string {
  return wire(value).replace(
    /[^A-Za-z0-9\-_.~]/g,
    (character) =>
      character === " "
        ? "+"
        : `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** Sorted, so that the same table always makes the same text. */
function pairs(table: Record<string, string | Uint8Array> = {}): [string, string | Uint8Array][] {
  return Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1));
}

function encodedPairs(table: Record<string, string | Uint8Array> | undefined): string {
  return pairs(table).map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&");
}

/**
 * The headers of a program, checked; a value's characters are its bytes.
 *
 * @param own names, in lower case, that the client sets itself
 * @throws WippyError Invalid
 */
export function headerList(
  headers: Record<string, string | Uint8Array> | undefined,
  own: ReadonlySet<string>,
): [string, string][] {
  return pairs(headers).map(([name, value]) => {
    if (!token.test(name)) throw invalid(`headers: ${JSON.stringify(name)} is no name of a header`);
    if (own.has(name.toLowerCase())) {
      throw invalid(`headers: the client itself sets ${name}; leave it out`);
    }
    const text = wire(value);
    if (/[\0\r\n]/.test(text)) {
      throw invalid(`headers: the value of ${name} has a line break or a NUL byte`);
    }
    return [name, text.trim()];
  });
}

/** The header of Basic authentication. */
export function basic(user: string, password: string): [string, string] {
  const credentials = Buffer.from(`${user}:${password}`, "latin1").toString("base64");
  return ["Authorization", `Basic ${credentials}`];
}

function headersOf(
  { headers, cookies, auth }: Options,
  { user: ownUser, pass: ownPass }: Address,
): [string, string][] {
  const result = headerList(headers, ownHeaders);
  const has = (name: string) => result.some(([own]) => own.toLowerCase() === name);
  if (cookies !== undefined && Object.keys(cookies).length > 0) {
    const list = pairs(cookies).map(([name, value]) => {
      const text = wire(value);
      if (!token.test(name) || /[\0-\x20",;\\\x7f]/.test(text)) {
        throw invalid(`cookies: ${JSON.stringify(name)} has characters that a cookie cannot hold`);
      }
      return `${name}=${text}`;
    });
    if (has("cookie")) throw invalid("cookies: the header Cookie is given too; give one of them");
    result.push(["Cookie", list.join("; ")]);
  }
  if (!has("authorization")) {
    const user = auth ? wire(auth.user) : decodeURIComponent(ownUser);
    const pass = auth ? wire(auth.pass) : decodeURIComponent(ownPass);
    if (auth || user !== "" || pass !== "") {
      result.push(basic(user, pass));
    }
  }
  return result;
}

function timeoutOf(given: string | number | undefined): number {
  if (given === undefined || given === 0) return defaultTimeout;
  if (typeof given === "number") {
    if (given < 0 || !Number.isFinite(given)) throw invalid(`timeout: ${given} is not above 0`);
    return Math.trunc(given) * 1000 || defaultTimeout;
  }
  const milliseconds = parseDuration(given);
  if (milliseconds === undefined || milliseconds < 0) {
    throw invalid(`timeout: bad duration "${given}"; write it like "300ms", "1.5s" or "2m"`);
  }
  return milliseconds || defaultTimeout;
}

function tlsOf(tls: NonNullable<Options["tls"]>): Request["tls"] {
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw invalid("tls: cert and key belong together; give both");
  }
  const fault = tlsFault({ cert: tls.cert, key: tls.key, ca: tls.ca });
  if (fault !== undefined) throw invalid(`tls: ${fault}`);
  return {
    ...(tls.cert !== undefined && tls.key !== undefined && { cert: tls.cert, key: tls.key }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.server_name !== undefined && { serverName: tls.server_name }),
    ...(tls.insecure_skip_verify && { rejectUnauthorized: false as const }),
  };
}

/** A URL of HTTP. @throws WippyError Invalid */
export function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) {
    throw invalid(`${JSON.stringify(text)} is no URL; write it like https://host/path`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw invalid(`${url.protocol}// is not supported; use http:// or https://`);
  }
  return url;
}

/** An address of a program. */
interface Address {
  /** Without user, password and fragment. */
  url: string;
  /** What the permission is asked for: what the program writes, if it names the host only, as policies do, too. */
  resource: string;
  /** As the address has them, encoded. */
  user: string;
  pass: string;
}

/** Addresses without secrets: programs ask few of them, often. */
const known = new BoundedMap<string, Address>(500);
/** Characters of an address that is remembered at most. */
const longest = 2_000;

/** @throws WippyError Invalid */
function addressOf(text: string): Address {
  const present = known.get(text);
  if (present !== undefined) return present;
  const url = httpUrl(text);
  const { username: user, password: pass } = url;
  url.username = url.password = url.hash = "";
  const resource = `${text}/` === url.href ? text : url.href;
  const address = { url: url.href, resource, user, pass };
  if (user !== "" || pass !== "" || text.length > longest) return address;
  known.set(text, address);
  return address;
}

/** The address with a query behind its own. */
function withQuery(address: string, query: string): string {
  const url = new URL(address);
  url.search = url.search === "" ? query : `${url.search}&${query}`;
  return url.href;
}

/** Checks the options of a call and makes the request of them. @throws WippyError Invalid */
export function requestOf(method: string, address: string, given: Options): Request {
  if (!token.test(method)) throw invalid(`${JSON.stringify(method)} is no HTTP method`);
  if (method === "CONNECT") throw invalid("CONNECT is for proxies; use another method");
  const { overlay_network: selected, unix_socket: unix } = given;
  if (selected !== undefined && unix !== undefined) {
    throw invalid("overlay_network and unix_socket exclude each other; give one of them");
  }
  const network = selected ?? given.inherited_network;
  const place = addressOf(address);
  const headers = headersOf(given, place);
  const query = encodedPairs(given.query);
  const typed = headers.some(([name]) => name.toLowerCase() === "content-type");
  if (given.form !== undefined && !typed) {
    headers.push(["Content-Type", "application/x-www-form-urlencoded"]);
  }
  const tls = given.tls && tlsOf(given.tls);
  return {
    method,
    url: query === "" ? place.url : withQuery(place.url, query),
    resource: place.resource,
    headers,
    ...(given.form !== undefined && { form: encodedPairs(given.form) }),
    timeout: timeoutOf(given.timeout),
    stream: given.stream === true,
    limit: given.max_response_body || defaultLimit,
    ...(unix !== undefined && { unix }),
    ...(network !== undefined && { network }),
    ...(selected !== undefined && { selected: true }),
    ...(tls && { tls }),
    redirects: 0,
  };
}

/** The permissions that a request needs before anything is resolved or sent, in the order of the checks. */
export function needsOf({ url, resource, unix, tls, network, selected }: Request): Need[] {
  const need = (name: string, on: string): Need => {
    const action = `http_client.${name}`;
    return { action, resource: on, message: `permission denied: ${action} on ${on}` };
  };
  return [
    ...(unix === undefined ? [] : [need("unix_socket", unix)]),
    ...(tls?.rejectUnauthorized === false ? [need("insecure_tls", resource)] : []),
    ...(selected && network !== undefined ? [selectNeed(network)] : []),
    need("request", resource),
    ...(unix === undefined ? literalNeeds("http_client", new URL(url)) : []),
  ];
}

/** The request that follows a redirect to `location`. @throws WippyError Invalid for a place that is not HTTP */
export function redirected(from: Request, status: number, location: string): Request {
  const target = URL.parse(location, from.url);
  const url = httpUrl(target?.href ?? location);
  url.username = url.password = url.hash = "";
  const safe = from.method === "GET" || from.method === "HEAD";
  const again = status === 307 || status === 308;
  const method = again || safe || status !== 303 && from.method !== "POST" ? from.method : "GET";
  const bodiless = from.bodiless === true || method !== from.method || safe && !again;
  const elsewhere = url.origin !== new URL(from.url).origin;
  const headers = from.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    if (elsewhere && ["authorization", "cookie", "host", "proxy-authorization"].includes(lower)) {
      return false;
    }
    return !(bodiless && lower.startsWith("content-"));
  });
  const { form: _, ...rest } = from;
  return {
    ...(bodiless ? { ...rest, bodiless } : from),
    method,
    url: url.href,
    resource: url.href,
    headers,
    redirects: from.redirects + 1,
  };
}
