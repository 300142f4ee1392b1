/**
 * What a program asks for, checked: from the options of a call to the connection that is made.
 * @module
 */
import type * as zod from "zod";
import { literalNeeds, type Need, selectNeed } from "../../network/guard.ts";
import { parseDuration } from "../../registry/duration.ts";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { invalid } from "../http_client/failure.ts";
import { basic, headerList, token } from "../http_client/request.ts";
import { luaList, luaString } from "../operation.ts";

const megabyte = 1024 * 1024;
const defaultDialTimeout = 30_000;
const defaultReadLimit = 16 * megabyte;
const defaultThreshold = 512;
const defaultCapacity = 64;

/** Names of compression, in the order of their numbers. */
const compressions = ["disabled", "context_takeover", "no_context_takeover"] as const;

/** What the client itself says in the handshake. */
const ownHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
  "transfer-encoding",
  "upgrade",
]);

const time = (name: string) =>
  z.union([z.string(), z.number()], {
    error: `${name} is a number of milliseconds or a duration such as "10s"`,
  }).optional();

const range = (name: string, least: number, most: number) =>
  z.int({ error: `${name} is a whole number` }).optional().refine(
    (value) => value === undefined || value >= least && value <= most,
    { error: `${name} must be from ${least} to ${most}` },
  );

/** The options of a call. */
export const options = lazy(() =>
  z.strictObject({
    headers: z.record(z.string(), luaString()).optional(),
    protocols: luaList(z.string({ error: "protocols is a list of names" })).optional(),
    dial_timeout: time("dial_timeout"),
    read_timeout: time("read_timeout"),
    write_timeout: time("write_timeout"),
    compression: z.union([z.literal([0, 1, 2]), z.enum(compressions)], {
      error: "compression is a value of websocket.COMPRESSION",
    }).optional(),
    compression_threshold: range("compression_threshold", 0, 100 * megabyte),
    read_limit: range("read_limit", 0, 128 * megabyte),
    overlay_network: z.string({ error: "overlay_network is the id of a network entry" }).optional(),
    channel_capacity: range("channel_capacity", 1, 10_000),
    tls: z.strictObject({
      cert: z.string().optional(),
      key: z.string().optional(),
      ca: z.string().optional(),
      server_name: z.string().optional(),
    }).optional(),
  }, { error: unknownOption })
);

function unknownOption(issue: { code?: string; keys?: unknown }): string | undefined {
  if (issue.code !== "unrecognized_keys" || !Array.isArray(issue.keys)) return undefined;
  return `unknown option ${String(issue.keys[0])}`;
}

/** A connection that can be made. */
export const wanted = lazy(() =>
  z.object({
    /** Without user, password and fragment. */
    url: z.string(),
    headers: luaList(z.tuple([z.string(), z.string()])),
    protocols: luaList(z.string()),
    /** Milliseconds; 0: without limit. */
    dialTimeout: z.number(),
    readTimeout: z.number(),
    writeTimeout: z.number(),
    compression: z.enum(compressions),
    /** Bytes of a message from which it is compressed. */
    threshold: z.number(),
    /** Bytes of a message at most. */
    readLimit: z.number(),
    /** The network entry through which it goes; absent: that of the configuration. */
    network: z.string().optional(),
    tls: z.object({
      cert: z.string().optional(),
      key: z.string().optional(),
      ca: z.string().optional(),
      serverName: z.string().optional(),
    }).optional(),
  })
);

/** Of a call. */
export type Options = zod.output<ReturnType<typeof options>>;
/** As it is made. */
export type Wanted = zod.output<ReturnType<typeof wanted>>;

function milliseconds(name: string, given: string | number | undefined): number {
  const value = typeof given === "string" ? parseDuration(given) : given ?? 0;
  if (value !== undefined && value >= 0 && Number.isFinite(value)) return value;
  throw invalid(
    `${name}: bad duration "${given}"; write milliseconds, or text like "300ms" or "1m30s"`,
  );
}

function websocketUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) {
    throw invalid(`${JSON.stringify(text)} is not a URL; write it like wss://host/path`);
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw invalid(`${url.protocol}// is not supported; use ws:// or wss://`);
  }
  return url;
}

/**
 * Checks the options of a call and makes the connection's description of them.
 *
 * @param inherited the network that the unit was given
 * @throws WippyError Invalid
 */
export function wantedOf(
  address: string,
  given: Options,
  inherited: string | undefined,
): { wanted: Wanted; capacity: number; needs: Need[] } {
  const url = websocketUrl(address);
  const headers = headerList(given.headers, ownHeaders);
  const authorized = headers.some(([name]) => name.toLowerCase() === "authorization");
  if (!authorized && (url.username !== "" || url.password !== "")) {
    headers.push(basic(decodeURIComponent(url.username), decodeURIComponent(url.password)));
  }
  url.username = url.password = url.hash = "";
  const protocols = given.protocols ?? [];
  for (const name of protocols) {
    if (!token.test(name)) throw invalid(`protocols: ${JSON.stringify(name)} is not a name`);
  }
  if (new Set(protocols).size < protocols.length) throw invalid("protocols: a name is there twice");
  const { tls, compression = "disabled", overlay_network: selected } = given;
  const network = selected ?? inherited;
  if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined)) {
    throw invalid("tls: cert and key belong together; give both");
  }
  const wanted: Wanted = {
    url: url.href,
    headers,
    protocols,
    dialTimeout: milliseconds("dial_timeout", given.dial_timeout) || defaultDialTimeout,
    readTimeout: milliseconds("read_timeout", given.read_timeout),
    writeTimeout: milliseconds("write_timeout", given.write_timeout),
    compression: typeof compression === "number" ? compressions[compression]! : compression,
    threshold: given.compression_threshold ?? defaultThreshold,
    readLimit: given.read_limit || defaultReadLimit,
    ...(network !== undefined && { network }),
    ...(tls && {
      tls: { cert: tls.cert, key: tls.key, ca: tls.ca, serverName: tls.server_name },
    }),
  };
  // Policies that name the host only mean what the program writes, too.
  const resource = `${address}/` === url.href ? address : url.href;
  return {
    wanted,
    capacity: given.channel_capacity ?? defaultCapacity,
    needs: [
      {
        action: "websocket.connect",
        resource: "",
        message: "permission denied: websocket.connect",
      },
      ...(selected === undefined ? [] : [selectNeed(selected)]),
      {
        action: "websocket.connect.url",
        resource,
        message: `permission denied: websocket.connect.url on ${resource}`,
      },
      ...literalNeeds("websocket", url),
    ],
  };
}
