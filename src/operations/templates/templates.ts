import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { addedByModule, defineOperation, type Operation } from "../operation.ts";

const setId = lazy(() => addedByModule(z.string({ error: "the id of a template set is text" })));
const permission = (id: string) => ({ action: "template.get", resource: id });

function failure(kind: "Invalid" | "NotFound" | "Internal", message: string): WippyError {
  return new WippyError(kind, message, { retryable: false });
}

/** Host operations of the module `templates`. */
export const templates: Operation[] = [
  defineOperation({
    name: "templates.get",
    summary: "True if there is a set of templates of that id.",
    mode: "async",
    arguments: () => [setId()],
    permission,
    run: async ({ services }, id) => {
      const { setEntry } = await import("./sets.ts");
      setEntry(services, id);
      return true;
    },
  }),
  defineOperation({
    name: "templates.render",
    summary: "Returns a template filled with data.",
    mode: "async",
    arguments: () => [
      setId(),
      z.string({ error: "the name of a template is text" }),
      z.custom<LuaValue>(() => true),
    ],
    permission,
    run: async ({ services }, id, name, data) => {
      if (name === "") throw failure("Invalid", "empty template name");
      const [{ TemplateSet }, { LimitError, render, TemplateError }, { fromLua, isMap }] =
        await Promise.all([
          import("./sets.ts"),
          import("./jet/jet.ts"),
          import("../../registry/expression/value.ts"),
        ]);
      const set = new TemplateSet(services, id);
      try {
        const template = set.find(name);
        if (!template) throw failure("NotFound", `template ${name} not found in ${id}`);
        const variables = fromLua(data);
        return render(template, {
          find: (other) => set.find(other),
          data: isMap(variables) ? variables : Object.create(null),
          globals: set.globals,
        });
      } catch (error) {
        if (error instanceof LimitError || error instanceof TemplateError) {
          throw failure("Internal", error.message);
        }
        throw error;
      }
    },
  }),
];
