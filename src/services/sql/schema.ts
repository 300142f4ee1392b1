import type * as zod from "zod";
import { duration } from "../../registry/duration.ts";
import { required } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";

const count = (what: string) =>
  z.int({ error: `${what} must be a whole number` }).min(0, {
    error: `${what} must be 0 or more`,
  }).default(0);

const pool = () =>
  z.object({
    /** Connections at most; 0: without limit. */
    max_open: count("pool.max_open"),
    /** Idle connections that are kept; 0: none. */
    max_idle: count("pool.max_idle"),
    /** Milliseconds after which a connection is not used again. */
    max_lifetime: duration(3_600_000),
  }).prefault({});

/** Settings of the connections; numbers and booleans of YAML are taken as they are written. */
const options = () =>
  z.record(
    z.string().regex(/^[A-Za-z_][\w.]*$/, {
      error: "the name of an option has letters, digits, _ and .",
    }),
    z.union([z.string(), z.number(), z.boolean()]).transform(String),
  ).default({});

const port = () =>
  z.int({ error: "port must be a number" }).min(1, { error: "port must be 1 to 65535" })
    .max(65_535, { error: "port must be 1 to 65535" });

/** Of the payload of a `db.sql.postgres` and a `db.sql.mysql`. */
export const serverSchema = () =>
  z.object({
    host: required("host", 'add "host: NAME" of the server'),
    port: port(),
    database: required("database", 'add "database: NAME"'),
    username: required("username", 'add "username: NAME"'),
    password: z.string({ error: "password must be text" }),
    pool: pool(),
    options: options(),
    lifecycle: lifecycle(),
  });

/** The payload of a `db.sql.postgres` or a `db.sql.mysql`. */
export type ServerSettings = zod.output<ReturnType<typeof serverSchema>>;

/** Of the payload of a `db.sql.sqlite`. */
export const sqliteSchema = () =>
  z.object({
    file: required("file", 'add "file: PATH", or ":memory:"'),
    /** Milliseconds that a call waits for a lock or for the writing connection. */
    busy_timeout: duration(5_000),
    /** Accepted and without effect: an SQLite database has no connections to a server. */
    pool: pool(),
    options: options(),
    lifecycle: lifecycle(),
  });

/** The payload of a `db.sql.sqlite`. */
export type SqliteSettings = zod.output<ReturnType<typeof sqliteSchema>>;
