/** Connections to servers with TLS. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machine } from "../../../src/platform/machine.ts";
import { mysqlDialect } from "../../../src/services/sql/mysql/mysql.ts";
import { postgresDialect } from "../../../src/services/sql/postgres/postgres.ts";
import { serverSchema } from "../../../src/services/sql/schema.ts";
import { ServerDriver } from "../../../src/services/sql/server.ts";
import type { WippyError } from "../../../src/vm/error.ts";
import { unpackRows } from "../../../src/vm/rows.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { emptyDatabase, mariadb, postgres, type RunningServer } from "./servers.ts";

const kinds = {
  postgres: {
    server: postgres,
    dialect: postgresDialect,
    encrypted: "SELECT ssl::text AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    yes: /^true$/,
    no: /^false$/,
  },
  mysql: {
    server: mariadb,
    dialect: mysqlDialect,
    encrypted:
      "SELECT variable_value AS value FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
    yes: /^TLS|^ECDHE|^AES|GCM/,
    no: /^$/,
  },
};

/** What a connection with these options says about its encryption, or the reason why there is none. */
async function encryption(
  type: keyof typeof kinds,
  options: Record<string, string>,
  prepare: (server: RunningServer) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const { server: kind, dialect, encrypted } = kinds[type];
  const { entry, server } = await emptyDatabase(kind);
  await prepare(server);
  const directory = mkdtempSync(join(tmpdir(), "wippy-tls-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, "ca.pem"), server.certificate);
  const settings = serverSchema().parse({ ...entry, options });
  const driver = new ServerDriver(dialect(settings, directory), settings.pool, machine);
  try {
    await driver.open();
    const rows = await driver.run(
      { kind: "query", sql: encrypted, params: [] },
      new AbortController().signal,
    );
    return String(unpackRows(rows as Uint8Array)[0]!["value"]);
  } catch (error) {
    const { kind: failed, retryable, message } = error as WippyError;
    return `${failed} ${retryable}: ${message}`;
  } finally {
    await driver.close();
  }
}

const unknown = /^Unavailable true: connect to 127\.0\.0\.1:\d+: .*(?:self.signed|certificate)/i;

describe.skipIf(postgres.missing !== undefined)(
  `postgres${postgres.missing ? ` (skipped: ${postgres.missing})` : ""}`,
  () => {
    const { yes, no } = kinds.postgres;
    test.each<[Record<string, string>, RegExp]>([
      [{}, yes],
      [{ sslmode: "prefer" }, yes],
      [{ sslmode: "disable" }, no],
      [{ sslmode: "require" }, yes],
      [{ sslmode: "require", sslrootcert: "ca.pem" }, yes],
      [{ sslmode: "verify-ca", sslrootcert: "ca.pem" }, yes],
      [{ sslmode: "verify-ca" }, unknown],
      // The certificate is that of shop.test.
      [{ sslmode: "verify-full", sslrootcert: "ca.pem" }, unknown],
    ])("%j", async (options, expected) => {
      expect(await encryption("postgres", options)).toMatch(expected);
    });

    test("a server without TLS is used only where the mode says so", async () => {
      const set = (value: string) => async ({ ask }: RunningServer) => {
        await ask(`ALTER SYSTEM SET ssl = ${value}`);
        await ask("SELECT pg_reload_conf()");
        await until(async () => (await ask("SHOW ssl"))[0]!["ssl"] === value);
      };
      const { start } = postgres;
      try {
        expect(await encryption("postgres", { sslmode: "prefer" }, set("off"))).toMatch(no);
        expect(await encryption("postgres", { sslmode: "require" })).toMatch(
          /^Unavailable true: .*does not support SSL/,
        );
      } finally {
        await set("on")(await start());
      }
    });
  },
);

describe.skipIf(mariadb.missing !== undefined)(
  `mysql${mariadb.missing ? ` (skipped: ${mariadb.missing})` : ""}`,
  () => {
    const { yes, no } = kinds.mysql;
    test.each<[Record<string, string>, RegExp]>([
      [{}, no],
      [{ tls: "false" }, no],
      [{ tls: "preferred" }, yes],
      [{ tls: "skip-verify" }, yes],
      [{ tls: "true" }, unknown],
      [{ tls: "true", tls_ca: "ca.pem" }, unknown],
    ])("%j", async (options, expected) => {
      expect(await encryption("mysql", options)).toMatch(expected);
    });
  },
);

test.each<[keyof typeof kinds, Record<string, string>, string]>([
  ["postgres", { sslmode: "on" }, 'option sslmode: unknown mode "on"'],
  ["postgres", { sslmode: "verify-ca", sslrootcert: "none.pem" }, "option sslrootcert: ENOENT"],
  [
    "postgres",
    { connect_timeout: "soon" },
    'option connect_timeout: "soon" is no number of seconds',
  ],
  ["mysql", { tls: "on" }, 'option tls: unknown mode "on"'],
  ["mysql", { timeout: "soon" }, 'option timeout: "soon" is no duration'],
])("%s with %j is refused", (type, options, message) => {
  const common = { host: "h", port: 1, database: "d", username: "u", password: "p" };
  const settings = serverSchema().parse({ ...common, options });
  expect(() => kinds[type].dialect(settings, "/nowhere")).toThrow(message);
});
