import type { ConnectionOptions, SslOptions } from "mysql2";
import { parseDuration } from "../../../registry/duration.ts";
import { certificate, connectTimeout, invalidOption, unreachable } from "../connecting.ts";
import type { TransactionOptions } from "../driver.ts";
import type { ServerSettings } from "../schema.ts";
import { type Dialect, isolationWords } from "../server.ts";
import { WippyError } from "../../../vm/error.ts";
import { failureOf } from "./failure.ts";
import { MysqlLink } from "./link.ts";

/** Options of other drivers that are always so, or that change nothing here. */
const withoutEffect: ReadonlySet<string> = new Set([
  "allowFallbackToPlaintext",
  "allowNativePasswords",
  "allowOldPasswords",
  "charset",
  "checkConnLiveness",
  "columnsWithAlias",
  "interpolateParams",
  "loc",
  "maxAllowedPacket",
  "parseTime",
  "readTimeout",
  "rejectReadOnly",
  "writeTimeout",
]);

/** How TLS is used; `fallback` when a server without TLS will do. */
interface Security {
  ssl: SslOptions | undefined;
  fallback: boolean;
}

/** @throws WippyError Invalid */
function securityOf(tls: string, ca: string | undefined): Security {
  switch (tls) {
    case "false":
      return { ssl: undefined, fallback: false };
    case "true":
      return {
        ssl: { rejectUnauthorized: true, verifyIdentity: true, ...(ca && { ca }) },
        fallback: false,
      };
    case "skip-verify":
      return { ssl: { rejectUnauthorized: false }, fallback: false };
    case "preferred":
      return { ssl: { rejectUnauthorized: false }, fallback: true };
    default:
      throw invalidOption(
        "tls",
        `unknown mode "${tls}"; use true, false, skip-verify or preferred`,
      );
  }
}

function isOn(options: Readonly<Record<string, string>>, name: string): boolean {
  return options[name] === "true" || options[name] === "1";
}

/** @throws WippyError Invalid */
function timeoutOf(text: string | undefined): number {
  if (text === undefined) return connectTimeout;
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  throw invalidOption("timeout", `"${text}" is no duration; write it like "5s"`);
}

/** The statements that set up a session: times are those of UTC unless `time_zone` says something else. */
function sessionOf(settings: Readonly<Record<string, string>>): string[] {
  const own = Object.entries(settings).filter(([name]) => !withoutEffect.has(name))
    .sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => `SET ${name} = ${value}`);
  return "time_zone" in settings ? own : ["SET time_zone = '+00:00'", ...own];
}

/** @throws WippyError Invalid for options with which no connection can be made */
export function mysqlDialect(settings: ServerSettings, directory: string): Dialect {
  const { tls = "false", tls_ca, timeout, collation, ...others } = settings.options;
  const { multiStatements, clientFoundRows, allowCleartextPasswords, ...session } = others;
  const flags = { multiStatements, clientFoundRows, allowCleartextPasswords };
  const given = Object.fromEntries(
    Object.entries(flags).filter((option): option is [string, string] => option[1] !== undefined),
  );
  const security = securityOf(tls, tls_ca && certificate(directory, "tls_ca", tls_ca));
  const options: ConnectionOptions = {
    host: settings.host,
    port: settings.port,
    user: settings.username,
    password: settings.password,
    database: settings.database,
    connectTimeout: timeoutOf(timeout),
    charset: collation ?? "UTF8MB4_GENERAL_CI",
    multipleStatements: isOn(given, "multiStatements"),
    enableCleartextPlugin: isOn(given, "allowCleartextPasswords"),
    flags: isOn(given, "clientFoundRows") ? ["FOUND_ROWS"] : ["-FOUND_ROWS"],
    rowsAsArray: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    maxPreparedStatements: 100,
  };
  const statements = sessionOf(session);
  let { ssl } = security;
  const open = async () => {
    try {
      return await MysqlLink.open({ ...options, ...(ssl && { ssl }) }, statements);
    } catch (error) {
      const refused = /does not support (?:secure|SSL)/i.test((error as Error).message);
      if (!ssl || !security.fallback || !refused) throw error;
      ssl = undefined;
      return await MysqlLink.open(options, statements);
    }
  };
  return {
    type: "mysql",
    connect: () =>
      open().catch((error) => {
        throw unreachable(settings, failureOf(error));
      }),
    begin({ isolation, readOnly }: TransactionOptions) {
      const words = isolationWords(isolation, "MySQL");
      const level = words === undefined ? [] : [`SET TRANSACTION ISOLATION LEVEL ${words}`];
      return [...level, `START TRANSACTION${readOnly ? " READ ONLY" : ""}`];
    },
    stream(link, statement, within, signal) {
      if (!within && link instanceof MysqlLink) return link.stream(statement, signal);
      const message =
        "a transaction of MySQL reads no rows piece by piece; use db:stream, or LIMIT";
      throw new WippyError("Invalid", message, { retryable: false });
    },
    quote: (name) => `\`${name}\``,
  };
}
