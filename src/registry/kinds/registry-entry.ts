import { z } from "../schema.ts";
import { defineKind } from "../kind.ts";

/** Data for the application, without rules. */
export const registryEntry = defineKind({
  name: "registry.entry",
  anyData: true,
  schema: () => z.looseObject({}),
});
