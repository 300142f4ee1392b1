import { z } from "../schema.ts";
import { defineKind } from "../kind.ts";

/** Names of process groups (module `pg`) mean something within one scope. */
export const pgScope = defineKind({ name: "pg.scope", schema: () => z.object({}) });
