import { z } from "../schema.ts";
import { lazy } from "../lazy.ts";
import { defineKind, required } from "../kind.ts";

const schema = lazy(() =>
  z.object({
    format: required("format", 'name the schema language, like "application/schema+json"'),
    definition: z.unknown(),
  })
);

/** A name with which an instance is indexed; `_async` at its end means the other form of a call. */
const methodName = lazy(() =>
  required("method name", 'add "name: METHOD"').refine(
    (name) => !name.endsWith("_async"),
    {
      error: (issue) => `method name ${JSON.stringify(issue.input)} ends in _async`,
      params: { fix: "leave the ending out: every method can be called with it" },
    },
  )
);

const method = lazy(() =>
  z.object({
    name: methodName(),
    description: z.string().default(""),
    input_schemas: z.array(schema()).default([]),
    output_schemas: z.array(schema()).default([]),
  })
);

/** What a service can do: its methods. */
export const contractDefinition = defineKind({
  name: "contract.definition",
  schema: () =>
    z.object({
      methods: z.array(method()).default([]).superRefine((methods, context) => {
        const seen = new Set<string>();
        methods.forEach(({ name }, index) => {
          if (seen.has(name)) {
            context.addIssue({
              code: "custom",
              path: [index],
              message: `two methods have the name "${name}"`,
              params: { fix: "rename one of them" },
            });
          }
          seen.add(name);
        });
      }),
    }),
});

/** Which functions are the methods of one or more contracts. */
export const contractBinding = defineKind({
  name: "contract.binding",
  references: [
    { path: ["contracts", "*", "contract"], bareName: true, kinds: [contractDefinition.name] },
    { path: ["contracts", "*", "methods", "*"], bareName: true, kinds: ["function.lua"] },
  ],
  schema: () =>
    z.object({
      contracts: z.array(z.object({
        contract: required("contract", 'add "contract: namespace:name" of a contract.definition'),
        /** Whether it is taken where no binding is named. */
        default: z.boolean().default(false),
        /** Context values without which no method runs. */
        context_required: z.array(z.string()).default([]),
        /** Method to function. */
        methods: z.record(z.string(), z.string()).default({}),
      })).default([]).refine((contracts) => contracts.length > 0, {
        error: "a binding needs at least one contract",
        params: {
          fix: 'list them: "contracts: [{ contract: NAME, methods: { METHOD: FUNCTION } }]"',
        },
      }),
    }),
});
