import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import { defineOperation, type Operation } from "../operation.ts";

const volume = lazy(() => z.string({ error: "a volume id is text" }));
const path = lazy(() => z.string({ error: "a path is UTF-8 text" }));
/** What is read with the rights of `fs`. */
const mayUse = (id: string) => ({ action: "fs.get", resource: id });

/** Host operations of the module `loader`. */
export const loader: Operation[] = [
  defineOperation({
    name: "loader.load_directory",
    summary:
      "The entries of the definition files below a directory, and what is wrong with others.",
    mode: "async",
    arguments: () => [volume(), path()],
    permission: mayUse,
    run: async ({ services, signal }, id, from) => {
      const { loadDirectory } = await import("./definitions.ts");
      return await loadDirectory(services, id, from, signal);
    },
  }),
  defineOperation({
    name: "loader.load_file",
    summary: "The entries of a definition file.",
    mode: "async",
    arguments: () => [volume(), path()],
    permission: mayUse,
    run: async ({ services }, id, from) => {
      const { loadFile } = await import("./definitions.ts");
      return loadFile(services, id, from);
    },
  }),
];
