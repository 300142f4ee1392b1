import { z } from "../schema.ts";
import { defineKind } from "../kind.ts";

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
