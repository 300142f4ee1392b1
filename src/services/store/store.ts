import { defineService } from "../service.ts";
import { memorySchema } from "./schema.ts";

/** Keys and values in memory. */
export const memoryStore = defineService({
  name: "store.memory",
  schema: memorySchema,
  load: () => import("./service.ts").then(({ runMemoryStore }) => runMemoryStore),
});
