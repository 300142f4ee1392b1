import type { ConnectionOptions } from "node:tls";
import type { ClientConfig } from "pg";
import { parseDuration } from "../../../registry/duration.ts";
import { certificate, connectTimeout, invalidOption, unreachable } from "../connecting.ts";
import type { TransactionOptions } from "../driver.ts";
import type { ServerSettings } from "../schema.ts";
import { type Dialect, isolationWords } from "../server.ts";
import { failureOf } from "./failure.ts";
import { openCursor } from "./cursor.ts";
import { PostgresLink } from "./link.ts";
import { PostgresReader } from "./reader.ts";

/** How TLS is used; `fallback` when a server without TLS will do. */
interface Security {
  ssl: false | ConnectionOptions;
  fallback: boolean;
}

/** The options of libpq that say how to connect; all others are settings of the session. */
interface Options {
  security: Security;
  applicationName: string;
  timeout: number;
  /** For the server, as `-c NAME=VALUE`. */
  session: string;
}

/** @throws WippyError Invalid */
function securityOf(options: Readonly<Record<string, string>>, directory: string): Security {
  const { sslmode = "prefer", sslrootcert, sslcert, sslkey } = options;
  const file = (option: string, path: string | undefined) =>
    path ? certificate(directory, option, path) : undefined;
  const [ca, cert, key] = [
    file("sslrootcert", sslrootcert),
    file("sslcert", sslcert),
    file("sslkey", sslkey),
  ];
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  // As libpq: with a root certificate at hand, require is verify-ca.
  const onlyChain = { rejectUnauthorized: true, checkServerIdentity: () => undefined, ...files };
  switch (sslmode) {
    case "disable":
      return { ssl: false, fallback: false };
    case "allow":
    case "prefer":
      return { ssl: { rejectUnauthorized: false, ...files }, fallback: true };
    case "require":
      return { ssl: ca ? onlyChain : { rejectUnauthorized: false, ...files }, fallback: false };
    case "verify-ca":
      return { ssl: onlyChain, fallback: false };
    case "verify-full":
      return { ssl: { rejectUnauthorized: true, ...files }, fallback: false };
    default:
      throw invalidOption(
        "sslmode",
        `unknown mode "${sslmode}"; use disable, prefer, require, verify-ca or verify-full`,
      );
  }
}

/** Seconds, as libpq has them, or a duration. @throws WippyError Invalid */
function timeoutOf(text: string | undefined): number {
  if (text === undefined || text === "0") return connectTimeout;
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  throw invalidOption("connect_timeout", `"${text}" is no number of seconds`);
}

function optionsOf(settings: ServerSettings, directory: string): Options {
  const { sslmode, sslrootcert, sslcert, sslkey, connect_timeout, ...rest } = settings.options;
  const { application_name = "wippy", client_encoding: _, options = "", ...session } = rest;
  const tls = { sslmode, sslrootcert, sslcert, sslkey };
  const given = Object.entries(tls).filter((option): option is [string, string] =>
    option[1] !== undefined
  );
  const escaped = (text: string) => text.replace(/[\\ ]/g, "\\$&");
  const parts = Object.entries(session).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `-c ${name}=${escaped(value)}`);
  return {
    security: securityOf(Object.fromEntries(given), directory),
    applicationName: application_name,
    timeout: timeoutOf(connect_timeout),
    session: [options, ...parts].join(" ").trim(),
  };
}

/** @throws WippyError Invalid for options with which no connection can be made */
export function postgresDialect(settings: ServerSettings, directory: string): Dialect {
  const { security, applicationName, timeout, session } = optionsOf(settings, directory);
  let { ssl } = security;
  const config = (): ClientConfig => ({
    host: settings.host,
    port: settings.port,
    user: settings.username,
    password: settings.password,
    database: settings.database,
    application_name: applicationName,
    connectionTimeoutMillis: timeout,
    keepAlive: true,
    ssl,
    ...(session !== "" && { options: session }),
  });
  const open = async () => {
    try {
      return await PostgresLink.open(config());
    } catch (error) {
      const refused = /does not support SSL/.test((error as Error).message);
      if (ssl === false || !security.fallback || !refused) throw error;
      ssl = false;
      return await PostgresLink.open(config());
    }
  };
  return {
    type: "postgres",
    connect: () =>
      open().catch((error) => {
        throw unreachable(settings, failureOf(error));
      }),
    reader(options) {
      const made = config();
      // Last, so that they count.
      const reading = "-c default_transaction_read_only=on -c datestyle=ISO";
      return PostgresReader.open(
        { ...made, options: `${made.options ?? ""} ${reading}`.trim() },
        { ...options, lifetime: settings.pool.max_lifetime },
      );
    },
    begin({ isolation, readOnly }: TransactionOptions) {
      const words = isolationWords(isolation, "PostgreSQL");
      const level = words === undefined ? "" : ` ISOLATION LEVEL ${words}`;
      return [`BEGIN${level}${readOnly ? " READ ONLY" : ""}`];
    },
    stream: (link, statement, within, signal) => openCursor(link, statement, within, signal),
    quote: (name) => `"${name}"`,
  };
}
