import { defineService } from "../service.ts";
import { serverSchema, sqliteSchema } from "./schema.ts";

/** A database in a file, or in memory. */
export const sqliteDatabase = defineService({
  name: "db.sql.sqlite",
  schema: sqliteSchema,
  onChange: "take_over",
  part: { load: () => import("./sqlite/part.ts").then(({ sqlitePart }) => sqlitePart) },
  load: () => import("./sqlite/service.ts").then(({ runSqlite }) => runSqlite),
});

/** A database of a PostgreSQL server. */
export const postgresDatabase = defineService({
  name: "db.sql.postgres",
  schema: serverSchema,
  onChange: "take_over",
  part: { load: () => import("./postgres/part.ts").then(({ postgresPart }) => postgresPart) },
  load: () => import("./postgres/service.ts").then(({ runPostgres }) => runPostgres),
});

/** A database of a MySQL or MariaDB server. */
export const mysqlDatabase = defineService({
  name: "db.sql.mysql",
  schema: serverSchema,
  onChange: "take_over",
  load: () => import("./mysql/service.ts").then(({ runMysql }) => runMysql),
});
