import { defineService } from "../service.ts";
import { memorySchema, sqlSchema } from "./schema.ts";

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
