/**
 * PostgreSQL and MariaDB of Debian, each started when the first test wants it and ended with the tests. Where one is not
 * installed (`scripts/setup --servers`), its tests are skipped.
 * @module
 */
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { Client } from "pg";
import { certificate, key } from "../../unit/modules/http_client/certificate.ts";
import { until } from "../../until.ts";

/** A server that runs. */
export interface RunningServer {
  process: Bun.Subprocess;
  port: number;
  /** The certificate that it shows, for `shop.test`. */
  certificate: string;
  /** What its user may do everything with. */
  username: string;
  password: string;
  /** Runs a statement as that user, on a connection of its own. */
  ask(sql: string, database?: string): Promise<Record<string, unknown>[]>;
}

/** A server that tests may start. */
export interface TestServer {
  kind: "db.sql.postgres" | "db.sql.mysql";
  /** Why it cannot be started. */
  missing?: string;
  start(): Promise<RunningServer>;
}

const password = "it's a $ecret";
const root = process.getuid?.() === 0;

function programs(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian)
    ? readdirSync(debian).sort((a, b) => Number(b) - Number(a))
    : [];
  return versions.map((version) => join(debian, version, "bin"))
    .find((path) => existsSync(join(path, "initdb")));
}

const mariadbd = Bun.which("mariadbd") ??
  (existsSync("/usr/sbin/mariadbd") ? "/usr/sbin/mariadbd" : undefined);

/** A folder in memory that belongs to the user of the server. */
function folder(user: string): string {
  const path = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "wippy-server-"));
  writeFileSync(join(path, "certificate"), certificate);
  writeFileSync(join(path, "key"), key, { mode: 0o600 });
  writeFileSync(join(path, "password"), password);
  mkdirSync(join(path, "run"));
  if (root) {
    const id = (which: string) => Number(Bun.spawnSync(["id", which, user]).stdout.toString());
    const [uid, gid] = [id("-u"), id("-g")];
    for (const name of [".", "certificate", "key", "password", "run"]) {
      chownSync(join(path, name), uid, gid);
    }
  }
  return path;
}

/** A command as another user. */
function as(user: string, command: string[]): string[] {
  const other = root ? [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"] : [];
  return other.length > 0 ? ["setpriv", ...other, "--", ...command] : command;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function runNow(command: string[]): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: "/", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`);
}

/** When its input ends, this program has ended, however it did: then the server and its folder go, too. */
const guard = 'exec 3<&0; "$@" & server=$!; read _ <&3; kill -9 $server; sleep 0.2; rm -rf "$0"';

/** Starts the server, which may answer a little later. */
function launch(path: string, command: string[]): Bun.Subprocess {
  const log = Bun.file(join(path, "log"));
  const server = Bun.spawn(["sh", "-c", guard, path, ...command], {
    cwd: "/",
    stdin: "pipe",
    stdout: log,
    stderr: log,
  });
  server.unref();
  return server;
}

/** Only the first call starts it, and a later one when it has gone: a test that is out of time takes it along. */
function once(start: () => Promise<RunningServer>): () => Promise<RunningServer> {
  let running: Promise<RunningServer> | undefined;
  return async () => {
    const server = await (running ??= start());
    if (server.process.exitCode === null && server.process.signalCode === null) return server;
    return await (running = start());
  };
}

async function answers(server: RunningServer): Promise<RunningServer> {
  await until(() => server.ask("SELECT 1").then(() => true, () => false));
  return server;
}

async function startPostgres(): Promise<RunningServer> {
  const path = folder("postgres");
  const data = join(path, "data");
  const bin = programs()!;
  const [username, port] = ["tester", await freePort()];
  runNow(as("postgres", [
    ...[join(bin, "initdb"), "-D", data, "-U", username, "-A", "scram-sha-256", "--no-sync"],
    ...["--pwfile", join(path, "password"), "--encoding", "UTF8", "--no-locale"],
  ]));
  const settings = {
    fsync: "off",
    // Else killed servers leave shared memory behind.
    dynamic_shared_memory_type: "mmap",
    listen_addresses: "127.0.0.1",
    unix_socket_directories: join(path, "run"),
    deadlock_timeout: "50ms",
    max_connections: "50",
  };
  // What is on the command line cannot be changed while it runs.
  appendFileSync(
    join(data, "postgresql.conf"),
    `ssl = on\nssl_cert_file = '${join(path, "certificate")}'\nssl_key_file = '${
      join(path, "key")
    }'\n`,
  );
  const server = launch(
    path,
    as("postgres", [
      ...[join(bin, "postgres"), "-D", data, "-p", String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ]),
  );
  return await answers({
    process: server,
    port,
    username,
    password,
    certificate,
    async ask(sql, database = "postgres") {
      const client = new Client({ host: "127.0.0.1", port, user: username, password, database });
      await client.connect();
      try {
        return (await client.query(sql)).rows;
      } finally {
        await client.end();
      }
    },
  });
}

async function startMariadb(): Promise<RunningServer> {
  const path = folder("mysql");
  const data = join(path, "data");
  const [username, port] = ["tester", await freePort()];
  runNow([
    ...["mariadb-install-db", "--no-defaults", `--datadir=${data}`, "--skip-test-db"],
    ...["--auth-root-authentication-method=normal", ...(root ? ["--user=mysql"] : [])],
  ]);
  const first = join(path, "run", "first.sql");
  const quoted = password.replaceAll("'", "''");
  writeFileSync(
    first,
    `CREATE USER '${username}'@'127.0.0.1' IDENTIFIED BY '${quoted}';
    GRANT ALL ON *.* TO '${username}'@'127.0.0.1' WITH GRANT OPTION;\n`,
  );
  const server = launch(
    path,
    as("mysql", [
      ...[mariadbd!, "--no-defaults", `--datadir=${data}`, `--port=${port}`],
      ...["--bind-address=127.0.0.1", `--socket=${join(path, "run", "socket")}`],
      ...["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--skip-name-resolve"],
      ...["--innodb-buffer-pool-size=32M", `--init-file=${first}`],
      ...[`--ssl-cert=${join(path, "certificate")}`, `--ssl-key=${join(path, "key")}`],
    ]),
  );
  return await answers({
    process: server,
    port,
    username,
    password,
    certificate,
    async ask(sql, database) {
      const client = await createConnection({
        ...{ host: "127.0.0.1", port, user: username, password },
        ...(database !== undefined && { database }),
      });
      try {
        const [rows] = await client.query(sql);
        return Array.isArray(rows) ? rows as Record<string, unknown>[] : [];
      } finally {
        client.destroy();
      }
    },
  });
}

const noSetpriv = Bun.which("setpriv") === null ? "setpriv is not installed" : undefined;
const noPostgres = noSetpriv ?? (programs() ? undefined : "PostgreSQL is not installed");
const noMariadb = noSetpriv ?? (mariadbd ? undefined : "MariaDB is not installed");

export const postgres: TestServer = {
  kind: "db.sql.postgres",
  ...(noPostgres && { missing: noPostgres }),
  start: once(startPostgres),
};

export const mariadb: TestServer = {
  kind: "db.sql.mysql",
  ...(noMariadb && { missing: noMariadb }),
  start: once(startMariadb),
};

let databases = 0;

/** The fields of an entry for an empty database of its own. */
export async function emptyDatabase(
  { kind, start }: TestServer,
): Promise<{ server: RunningServer; entry: Record<string, unknown>; database: string }> {
  const server = await start();
  databases += 1;
  const database = `test_${databases}`;
  const characters = kind === "db.sql.mysql" ? " CHARACTER SET utf8mb4" : "";
  await server.ask(`CREATE DATABASE ${database}${characters}`);
  const { port, username } = server;
  const entry = {
    ...{ kind, host: "127.0.0.1", port, database, username, password: server.password },
    lifecycle: { auto_start: true },
  };
  return { server, entry, database };
}
