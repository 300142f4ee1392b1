import { z } from "../schema.ts";
import { defineKind, required } from "./kind.ts";

/** Data for the application, without rules. */
export const registryEntry = defineKind({
  name: "registry.entry",
  schema: () => z.looseObject({}),
});

/** Names of process groups (module `pg`) mean something within one scope. */
export const pgScope = defineKind({ name: "pg.scope", schema: () => z.object({}) });

/** A directory that code may read and write. */
export const fsDirectory = defineKind({
  name: "fs.directory",
  schema: () =>
    z.object({
      directory: required("directory", 'add "directory: ./PATH"'),
      /** Make the directory when it is missing. */
      auto_init: z.boolean().default(false),
      /** Permission bits of the directory; the owner's bits gate what code may do. */
      mode: z.string().default("0755").transform((text, context): number => {
        if (/^0?[0-7]{3}$/.test(text)) return parseInt(text, 8);
        context.addIssue({
          code: "custom",
          message: `bad mode "${text}"`,
          params: { fix: 'write octal digits in quotes, like "0755"' },
        });
        return z.NEVER;
      }),
      /** Whether a relative directory starts at the application or at the module that owns it. */
      base: z.enum(["project", "module"]).default("project"),
    }),
});

/** Describes a module. */
export const namespaceDefinition = defineKind({
  name: "ns.definition",
  schema: () => z.object({ module: z.string().optional(), readme: z.string().optional() }),
});

/** A value that a module asks of the application that uses it. */
export const namespaceRequirement = defineKind({
  name: "ns.requirement",
  schema: () =>
    z.object({
      default: z.string().optional(),
      targets: z.array(z.object({ entry: z.string().min(1), path: z.string().min(1) })).default([]),
    }),
});

/** A module that the application uses, and the values that it gives to it. */
export const namespaceDependency = defineKind({
  name: "ns.dependency",
  schema: () =>
    z.object({
      component: z.string().refine((name) => /^[^/\s]+\/[^/\s]+$/.test(name), {
        error: (issue) => `component must be "org/module", not ${JSON.stringify(issue.input)}`,
        params: { fix: 'write it like "acme/http"' },
      }),
      version: z.string().optional(),
      parameters: z.array(z.object({ name: z.string().min(1), value: z.string() })).default([]),
    }),
});
