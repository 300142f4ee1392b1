import { parsePayload } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import { namespaceDependency } from "../registry/kinds/namespace.ts";
import { lockFileName } from "./lock-name.ts";

/** An `ns.dependency` on a module that the application does not have. */
export interface MissingModule {
  /** Identifier of the entry that wants it. */
  entry: string;
  /** `org/module` */
  module: string;
  /** The versions that would do; empty: all. */
  constraint: string;
  message: string;
  /** How to install it. */
  fix: string;
}

/**
 * Finds the dependencies on modules that are neither installed nor replaced.
 *
 * @param known the application's modules, `org/module`
 * @param vendor the folder of installed modules, as the user knows it
 * @param lockFile the name of the lock file
 */
export function missingModules(
  entries: Iterable<Entry>,
  known: ReadonlySet<string>,
  vendor: string,
  lockFile = lockFileName,
): MissingModule[] {
  const missing: MissingModule[] = [];
  for (const entry of entries) {
    if (entry.kind !== namespaceDependency.name) continue;
    const decoded = parsePayload(namespaceDependency.schema, structuredClone(entry.data));
    if (!decoded.success || known.has(decoded.data.component)) continue;
    const { component: module, version: constraint = "" } = decoded.data;
    const wanted = constraint === "" ? module : `${module} ${constraint}`;
    missing.push({
      entry: entry.id,
      module,
      constraint,
      message: `the module ${wanted} is not installed`,
      fix: /^(?:luarocks|npm)\//.test(module)
        ? `run "wippy add ${module.replace("/", ":")}"`
        : `put it into ${vendor}/${module} and add it to modules in ${lockFile}, ` +
          "or write its directory to workspace.replacements in .wippy.yaml",
    });
  }
  return missing;
}
