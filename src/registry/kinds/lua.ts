import type * as zod from "zod";
import { z } from "../schema.ts";
import { isModule, suggestModule } from "../modules.ts";
import { lazy } from "../lazy.ts";
import { choice, defineKind, type Pool, required } from "../kind.ts";

const source = lazy(() => required("source", 'add "source: file://NAME.lua" to the entry'));

const moduleName = lazy(() =>
  z.string().superRefine((name, context) => {
    const wrong = (message: string, fix: string) =>
      context.addIssue({ code: "custom", message, params: { fix } });
    if (name === "") wrong("module cannot be empty", "remove the empty element of the list");
    else if (name.includes(":")) {
      wrong("module cannot have a namespace", `put "${name}" under imports, with an alias`);
    } else if (!isModule(name)) wrong(`unknown module "${name}"`, suggestModule(name));
  })
);

/** Names that the code requires besides what is always there. */
const modules = lazy(() => z.array(moduleName()).default([]));

const imports = lazy(() =>
  z.record(z.string(), z.string()).default({}).superRefine((map, context) => {
    for (const [alias, target] of Object.entries(map)) {
      const wrong = (message: string, fix: string) =>
        context.addIssue({ code: "custom", path: [alias], message, params: { fix } });
      if (alias === "") wrong("import alias cannot be empty", "write a name before the colon");
      if (target === "" || target.endsWith(":")) {
        wrong(
          `import ${target}name cannot be empty`,
          `write "${alias || "alias"}: namespace:name"`,
        );
      }
    }
  })
);

const count = lazy(() => z.int().min(0).default(0));

const defaultMaxSize = 16;
const defaultStaticWorkers = 8;

const poolFields = lazy(() =>
  z.object({
    type: choice(["inline", "lazy", "static", "adaptive"], "pool type").optional(),
    workers: count(),
    size: count(),
    buffer: count(),
    max_size: count(),
    warm_start: z.boolean().default(false),
  })
);

/** Chooses the type where none is given, and the number of workers. */
function choosePool(pool: zod.output<ReturnType<typeof poolFields>>): Pool {
  const lazy = pool.workers === 0 && (pool.size === 0 || pool.max_size > 0);
  const type = pool.type ?? (lazy ? "lazy" : "static");
  const most = pool.max_size || defaultMaxSize;
  if (type === "inline") return { type, workers: 1, buffer: 0 };
  if (type === "lazy") return { type, workers: most, buffer: 0 };
  if (type === "adaptive") return { type, workers: most, buffer: most * 64 };
  const workers = pool.workers || pool.size || defaultStaticWorkers;
  return { type, workers, buffer: pool.buffer || workers * 64 };
}

const mainMethod = lazy(() => z.string().optional().transform((method) => method || "main"));

/** A stateless function, callable by its identifier. */
export const functionLua = defineKind({
  name: "function.lua",
  code: { unit: "function", read: (data) => data },
  schema: () =>
    z.object({
      source: source(),
      method: required("method", 'add "method: NAME", the function that the source returns'),
      modules: modules(),
      imports: imports(),
      pool: poolFields().prefault({}).transform(choosePool),
    }),
});

/** Code that others import. */
export const libraryLua = defineKind({
  name: "library.lua",
  code: { unit: "library", read: (data) => ({ ...data, method: "" }) },
  schema: () => z.object({ source: source(), modules: modules(), imports: imports() }),
});

/** An actor's definition. */
export const processLua = defineKind({
  name: "process.lua",
  code: { unit: "process", read: (data) => data },
  schema: () =>
    z.object({ source: source(), method: mainMethod(), modules: modules(), imports: imports() }),
});

/** A durable workflow's definition. */
export const workflowLua = defineKind({
  name: "workflow.lua",
  code: { unit: "workflow", read: (data) => data },
  schema: () =>
    z.object({ source: source(), method: mainMethod(), modules: modules(), imports: imports() }),
});
