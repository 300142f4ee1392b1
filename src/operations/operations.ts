import { operations as byModule } from "../../build/operations.js";
import type { Operation } from "./operation.ts";

/** Every host operation by name. Workflows record them, security checks them, docs list them. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  Object.values(byModule).flat().map((operation) => [operation.name, operation]),
);
