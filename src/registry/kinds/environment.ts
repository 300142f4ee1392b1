import { z } from "../schema.ts";
import { defineKind, required } from "../kind.ts";

const storageKinds = ["env.storage."] as const;
const fixed = "environment storages and variables are read at the start";

/** Variables that live as long as the runtime. */
export const memoryStorage = defineKind({
  name: "env.storage.memory",
  fixed,
  schema: () => z.object({}),
});

/** The variables of the operating system, read only. */
export const osStorage = defineKind({
  name: "env.storage.os",
  fixed,
  schema: () => z.object({}),
});

/** Fixed variables, read only. */
export const staticStorage = defineKind({
  name: "env.storage.static",
  fixed,
  schema: () => z.object({ values: z.record(z.string(), z.string()).default({}) }),
});

/** A file of `KEY=VALUE` lines. */
export const fileStorage = defineKind({
  name: "env.storage.file",
  fixed,
  schema: () =>
    z.object({
      file_path: z.string().default("").refine((path) => path !== "", {
        error: "file path must not be empty",
        params: { fix: 'add "file_path: .env"' },
      }),
      auto_create: z.boolean().default(false),
      file_mode: z.int().min(0).default(0o644),
      dir_mode: z.int().min(0).default(0o755),
    }),
});

/** Looks a variable up in several storages; writes go to the first. */
export const routerStorage = defineKind({
  name: "env.storage.router",
  fixed,
  references: [{ path: ["storages", "*"], bareName: false, kinds: storageKinds }],
  schema: () =>
    z.object({
      storages: z.array(z.string()).default([]).refine((storages) => storages.length > 0, {
        error: "router storage must have at least one storage",
        params: { fix: 'list env.storage entries: "storages: [namespace:name]"' },
      }),
    }),
});

/** A named variable in a storage. */
export const variable = defineKind({
  name: "env.variable",
  fixed,
  references: [{ path: ["storage"], bareName: false, kinds: storageKinds }],
  schema: () =>
    z.object({
      variable: z.string().refine((name) => /^[A-Za-z0-9_]*$/.test(name), {
        error: (issue) => `invalid variable name "${String(issue.input)}"`,
        params: { fix: "use letters, digits and underscores" },
      }).optional(),
      storage: required("storage", 'add "storage: namespace:name" of an env.storage entry'),
      default: z.string().optional(),
      readonly: z.boolean().default(false),
    }),
});
