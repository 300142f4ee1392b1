import type * as zod from "zod";
import { duration } from "../../registry/duration.ts";
import { required, size } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";

/** Of the payload of a `store.memory`. */
export const memorySchema = () =>
  z.object({
    /** Keys at most. */
    max_size: size(10_000, "max_size"),
    /** Milliseconds between two removals of expired keys. */
    cleanup_interval: duration(300_000),
    lifecycle: lifecycle(),
  });

/** Words that are no names in any of the databases. */
const reserved: ReadonlySet<string> = new Set(
  ("all alter and any as asc between by case check column commit constraint create cross current " +
    "default delete desc distinct drop else end except exists false for foreign from full grant group having in " +
    "index inner insert intersect into is join left like limit natural not null on or order outer primary " +
    "references returning revoke right rollback select set table then to true union unique update user using " +
    "values view when where with").split(" "),
);

function identifier(what: string) {
  return z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]{0,62}$/, {
    error: `${what} must be a letter, then letters, digits and _, at most 63`,
  }).refine((name) => !reserved.has(name.toLowerCase()), {
    error: `${what} is a reserved word of SQL`,
    params: { fix: "use another name" },
  });
}

/** Of the payload of a `store.sql`. */
export const sqlSchema = () =>
  z.object({
    database: required("database", 'add "database: namespace:name" of a db.sql.* entry'),
    table_name: required("table_name", 'add "table_name: TABLE"').pipe(identifier("table_name")),
    id_column_name: identifier("id_column_name").default("key"),
    payload_column_name: identifier("payload_column_name").default("value"),
    expire_column_name: identifier("expire_column_name").default("expires_at"),
    /** Milliseconds between two removals of expired keys; 0: never. */
    cleanup_interval: duration(0),
    lifecycle: lifecycle(),
  });

/** The payload of a `store.sql`. */
export type SqlStoreSettings = zod.output<ReturnType<typeof sqlSchema>>;

/** Of the payload of a `store.sqlite`. */
export const sqliteStoreSchema = () =>
  z.object({
    /** Milliseconds between two removals of expired keys. */
    cleanup_interval: duration(300_000),
    lifecycle: lifecycle(),
  });

/** The payload of a `store.sqlite`. */
export type SqliteStoreSettings = zod.output<ReturnType<typeof sqliteStoreSchema>>;

/** The payload of a `store.memory`. */
export type MemorySettings = zod.output<ReturnType<typeof memorySchema>>;
