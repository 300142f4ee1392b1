/**
 * Finds the tests of an application.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { Application } from "../app/app.ts";
import { readLock } from "../app/lock.ts";
import { prepareSource } from "../app/source.ts";
import { parseId } from "../registry/entry.ts";
import { builtinModules } from "../registry/modules.ts";
import type { TestFile } from "./library/library.ts";

const neverEntered: ReadonlySet<string> = new Set(["node_modules", ".git", ".wippy"]);

function filesBelow(directory: string, found: string[] = []): string[] {
  const items = readdirSync(directory, { withFileTypes: true });
  for (const item of items.sort((one, other) => one.name < other.name ? -1 : 1)) {
    const path = join(directory, item.name);
    if (item.isDirectory()) {
      if (!neverEntered.has(item.name)) filesBelow(path, found);
    } else if (item.name.endsWith("_test.lua")) found.push(path);
  }
  return found;
}

/** Namespaces by the folder, relative to the application's, whose definition files declare them. */
function namespacesOf(application: Application): Map<string, string> {
  const found = new Map<string, string>();
  for (const { id, origin } of application.entries) {
    if (origin) found.set(dirname(origin.file), parseId(id).namespace);
  }
  return found;
}

/** The namespace of a folder: its own, or that of the nearest folder above. */
function namespaceAt(folder: string, namespaces: ReadonlyMap<string, string>): string | undefined {
  const own = namespaces.get(folder);
  if (own !== undefined || folder === "." || folder === "") return own;
  return namespaceAt(dirname(folder), namespaces);
}

/**
 * Files named `*_test.lua` below the application's source folder, in the order of their paths. Each may require every
 * library of the application: those of its own namespace, which is that of the folder, by name, and others by id.
 */
export function findTestFiles(application: Application): TestFile[] {
  const { lock } = readLock(application.directory, application.lockFile);
  if (!lock) return [];
  const namespaces = namespacesOf(application);
  const libraries = application.entries.filter(({ kind }) => kind === "library.lua");
  return filesBelow(lock.source).map((file) => {
    const path = relative(application.directory, file).split(sep).join("/");
    const namespace = namespaceAt(dirname(path), namespaces);
    const imports: Record<string, string> = {};
    for (const { id } of libraries) {
      const { namespace: of, name } = parseId(id);
      // An entry imports another one once.
      imports[of === namespace && !builtinModules.has(name) ? name : id] = id;
    }
    return { path, code: prepareSource(path, readFileSync(file, "utf8")).code, imports };
  });
}

/** Processes that the application itself declares as its tests: `meta.command.use_case: test`. */
export function testCommands(application: Application): { id: string; name: string }[] {
  return application.entries.flatMap(({ id, kind, meta }) => {
    const command = meta["command"] as { name?: unknown; use_case?: unknown } | undefined;
    if (!kind.startsWith("process.") || command?.use_case !== "test") return [];
    return [{ id, name: typeof command.name === "string" ? command.name : id }];
  });
}
