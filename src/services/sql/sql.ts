import { defineService } from "../service.ts";
import { sqliteSchema } from "./schema.ts";

/** A database in a file, or in memory. */
export const sqliteDatabase = defineService({
  name: "db.sql.sqlite",
  schema: sqliteSchema,
  load: () => import("./sqlite/service.ts").then(({ runSqlite }) => runSqlite),
});
