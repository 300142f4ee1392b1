import type * as zod from "zod";
import { duration } from "../../registry/duration.ts";
import type { Fault } from "../../registry/fault.ts";
import { choice, required } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";
import { wrongName, wrongOptions } from "./middleware/names.ts";
import { pathFault } from "./route-table.ts";

/** A text that starts with a slash. */
function path(what: string) {
  return required(what, `add "${what}: /PATH"`).refine((text) => text.startsWith("/"), {
    error: `${what} must start with /`,
    params: { fix: `write "${what}: /PATH"` },
  });
}

/** Options of middleware are texts; booleans and numbers of YAML are taken as they are written. */
const options = () =>
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default(
    {},
  );

/** Names of middleware. */
const chain = () =>
  z.array(
    z.string().superRefine((name, context) => {
      const wrong = wrongName(name);
      if (wrong === undefined) return;
      context.addIssue({ code: "custom", message: wrong.message, params: { fix: wrong.fix } });
    }),
  ).default([]);

/** Tells of options that a middleware of a chain cannot work with. */
function checkChain(
  names: readonly string[],
  options: Readonly<Record<string, string>>,
  field: string,
  context: zod.core.$RefinementCtx,
): void {
  for (const [index, name] of names.entries()) {
    const message = wrongOptions(name, options);
    if (message === undefined) continue;
    const params = { fix: "correct the options, or remove the middleware" };
    context.addIssue({ code: "custom", path: [field, index], message, params });
  }
}

const pem = () => z.string().min(1).optional();

export const serviceSchema = () =>
  z.object({
    addr: required("addr", 'add "addr: :8080" or "addr: HOST:PORT"').refine(
      (text) => addressOf(text) !== undefined,
      { error: "addr must be HOST:PORT or :PORT", params: { fix: 'write "addr: :8080"' } },
    ),
    timeouts: z.object({
      /** Milliseconds for headers and body of a request. */
      read: duration(undefined),
      /** Milliseconds for a response. */
      write: duration(undefined),
      /** Milliseconds that a connection may be silent between requests. */
      idle: duration(undefined),
    }).prefault({}),
    host: z.object({
      /** Messages that wait for a client, or for the target of one. */
      buffer_size: z.int().min(0).default(1024).transform((size) => size || 1024),
      /** Accepted; connections live on the node's thread. */
      worker_count: z.int().min(0).optional(),
    }).prefault({}),
    network: z.string().optional().refine((value) => value === undefined, {
      error: "network: a server cannot listen in a network of this runtime, only on addr",
      params: { fix: "leave it out" },
    }),
    tls: z.object({
      mode: z.union([z.literal(""), choice(["manual", "auto"], "tls.mode")]).default(""),
      cert: pem(),
      key: pem(),
      client_ca: pem(),
      client_auth: choice(
        ["request", "require_any", "verify_if_given", "require_and_verify"],
        "tls.client_auth",
      ).optional(),
    }).prefault({}).superRefine((tls, context) => {
      const wrong = (message: string, fix: string) =>
        context.addIssue({ code: "custom", message, params: { fix } });
      const given = Object.entries(tls).filter(([name, value]) =>
        name !== "mode" && value !== undefined
      );
      if (tls.mode === "auto") {
        wrong(
          "tls.mode auto needs an overlay network, which this runtime does not have",
          "use manual",
        );
      } else if (tls.mode === "" && given.length > 0) {
        wrong(`tls.${given[0]![0]} is given, but tls is off`, 'add "mode: manual"');
      } else if (tls.mode === "manual") {
        if (tls.cert === undefined || tls.key === undefined) {
          wrong("tls.mode manual needs cert and key", "add both, as PEM or file://PATH");
        }
        if (tls.client_ca !== undefined && tls.client_auth === undefined) {
          wrong("tls.client_ca needs client_auth", 'add "client_auth: require_and_verify"');
        }
        const { client_auth } = tls;
        const verifies = client_auth === "require_and_verify" || client_auth === "verify_if_given";
        if (verifies && tls.client_ca === undefined) {
          wrong(`tls.client_auth ${client_auth} needs client_ca`, "add client_ca");
        }
      }
    }),
    lifecycle: lifecycle(),
  });

/** Fields of `tls` that are given both as they are and by a variable. */
export function doubledTls({ tls }: Record<string, unknown>): Fault[] {
  if (typeof tls !== "object" || tls === null) return [];
  return ["cert", "key", "client_ca"]
    .filter((field) => field in tls && `${field}_env` in tls)
    .map((field) => ({
      path: ["tls", `${field}_env`],
      message: `tls.${field} is given twice, by ${field} and by ${field}_env`,
      fix: "remove one of them",
    }));
}

export const routerSchema = () =>
  z.object({
    prefix: z.string().default("").refine((text) => text === "" || text.startsWith("/"), {
      error: "prefix must start with /",
      params: { fix: 'write "prefix: /PATH", or leave it out' },
    }),
    middleware: chain(),
    options: options(),
    post_middleware: chain(),
    post_options: options(),
  }).superRefine((data, context) => {
    checkChain(data.middleware, data.options, "middleware", context);
    checkChain(data.post_middleware, data.post_options, "post_middleware", context);
  });

export const methods = [
  "GET",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "HEAD",
  "OPTIONS",
  "TRACE",
] as const;

export const endpointSchema = () =>
  z.object({
    method: choice(methods, "method"),
    path: path("path").superRefine((text, context) => {
      const message = text.startsWith("/") ? pathFault(text) : undefined;
      if (message === undefined) return;
      const params = { fix: "write {name} or :name for one segment, {name...} for the rest" };
      context.addIssue({ code: "custom", message, params });
    }),
    func: required("func", 'add "func: NAME" of a function.lua entry'),
  });

export const staticSchema = () =>
  z.object({
    path: path("path"),
    fs: required("fs", 'add "fs: NAME" of an fs.directory entry'),
    static_options: z.object({
      /** Whether every path that is no file has the index: an application of one page. */
      spa: z.boolean().optional(),
      index: z.string().min(1).optional(),
      /** `Cache-Control` of every response. */
      cache: z.string().min(1).optional(),
    }).prefault({}),
    middleware: chain(),
    options: options(),
  }).superRefine((data, context) => {
    checkChain(data.middleware, data.options, "middleware", context);
    const { spa, index } = staticOptions(data);
    if (!spa || index !== undefined) return;
    const fix = 'add "index: index.html" to static_options';
    const message = "static_options.index is required with spa";
    context.addIssue({ code: "custom", path: ["static_options"], message, params: { fix } });
  });

/** How files are served; what `static_options` leaves out may stand in `options`. */
export function staticOptions(
  { static_options: given, options: others }: {
    static_options: {
      spa?: boolean | undefined;
      index?: string | undefined;
      cache?: string | undefined;
    };
    options: Record<string, string>;
  },
) {
  return {
    spa: given.spa ?? others["spa"] === "true",
    index: given.index ?? others["index"],
    cache: given.cache ?? others["cache"],
  };
}

/** Where a server listens; an empty host means all addresses. */
export function addressOf(
  text: string,
): { hostname: string | undefined; port: number } | undefined {
  const found = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null || port > 65_535) return undefined;
  return { hostname: found[1] ?? (found[2] || undefined), port };
}

/** The payload of an http.service. */
export type HttpService = zod.output<ReturnType<typeof serviceSchema>>;
