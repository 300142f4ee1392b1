import { defineService } from "../service.ts";
import { memorySchema, sqliteStoreSchema, sqlSchema } from "./schema.ts";

/** Keys and values in memory. */
export const memoryStore = defineService({
  name: "store.memory",
  schema: memorySchema,
  load: () => import("./service.ts").then(({ runMemoryStore }) => runMemoryStore),
});

/** Keys and values in a table of a database. */
export const sqlStore = defineService({
  name: "store.sql",
  references: [{ path: ["database"], bareName: false, kinds: ["db.sql."] }],
  schema: sqlSchema,
  requires: ({ database }) => [database],
  load: () => import("./sql.ts").then(({ runSqlStore }) => runSqlStore),
});

/** Keys and values in a file of the runtime, which outlive it. */
export const sqliteStore = defineService({
  name: "store.sqlite",
  schema: sqliteStoreSchema,
  load: () => import("./sqlite.ts").then(({ runSqliteStore }) => runSqliteStore),
});
