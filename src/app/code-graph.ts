import { compareIds, type Entry, parseId } from "../registry/entry.ts";
import { kinds } from "../registry/kinds.ts";
import { workflowLua } from "../registry/kinds/lua.ts";
import { builtinModules, isModule, suggestModule } from "../registry/modules.ts";
import { nearest } from "../registry/suggestion.ts";

/** Something wrong between pieces of code. */
export interface CodeFault {
  entry: string;
  /** Path from the entry: `data.modules.0` and the like. */
  path: PropertyKey[];
  message: string;
  fix: string;
}

/** Whether an entry holds Lua code. */
export function isCode(entry: Entry): boolean {
  return kinds.get(entry.kind)?.code !== undefined;
}

/** The modules that an entry lists. */
export function modulesOf(entry: Entry): string[] {
  const modules = entry.data["modules"];
  return Array.isArray(modules) ? modules.filter((name) => typeof name === "string") : [];
}

/** The imports of an entry, as far as they are written as they should. */
export function importsOf(entry: Entry): [alias: string, target: string][] {
  const imports = entry.data["imports"];
  if (typeof imports !== "object" || imports === null || Array.isArray(imports)) return [];
  return Object.entries(imports).filter((pair): pair is [string, string] =>
    typeof pair[1] === "string" && pair[1] !== ""
  );
}

/** Checks `modules` and `imports` of every code entry against each other and the application. */
export function checkCodeGraph(entries: ReadonlyMap<string, Entry>): CodeFault[] {
  const code = [...entries.values()].filter(isCode).sort((left, right) =>
    compareIds(left.id, right.id)
  );
  return [
    ...code.flatMap((entry) => checkNames(entry, entries)),
    ...findCycles(code, entries),
    ...code.filter((entry) => entry.kind === workflowLua.name).flatMap((entry) =>
      checkWorkflowModules(entry, entries)
    ),
  ];
}

/** Names that mean nothing, twice the same thing, or two things. */
function checkNames(entry: Entry, entries: ReadonlyMap<string, Entry>): CodeFault[] {
  const faults: CodeFault[] = [];
  const add = (path: PropertyKey[], message: string, fix: string) =>
    faults.push({ entry: entry.id, path: ["data", ...path], message, fix });
  const targets = new Set<string>();
  for (const [index, name] of modulesOf(entry).entries()) {
    if (targets.has(name)) {
      const message = `dependency from ${entry.id} to ${name} already exists`;
      add(["modules", index], message, "list the module once");
    }
    targets.add(name);
  }
  const aliases = new Set(modulesOf(entry));
  for (const [alias, target] of importsOf(entry)) {
    const path = ["imports", alias];
    if (aliases.has(alias)) {
      const message = `alias '${alias}' collision: it is a module and an import`;
      add(path, message, "choose another alias, or do not list the module");
    } else if (targets.has(target)) {
      const message = `dependency from ${entry.id} to ${target} already exists`;
      add(path, message, "import it once");
    }
    targets.add(target);
    const wrong = checkTarget(entry, target, entries);
    if (wrong !== undefined) add(path, wrong.message, wrong.fix);
  }
  return faults;
}

function checkTarget(
  entry: Entry,
  target: string,
  entries: ReadonlyMap<string, Entry>,
): { message: string; fix: string } | undefined {
  if (!target.includes(":")) {
    if (isModule(target)) return undefined;
    const own = `${parseId(entry.id).namespace}:${target}`;
    return entries.has(own)
      ? { message: `import "${target}" names a built-in module`, fix: `write "${own}"` }
      : { message: `unknown module "${target}"`, fix: suggestModule(target) };
  }
  const imported = entries.get(target);
  if (imported === undefined) {
    const ids = [...entries.values()].filter(isCode).map((candidate) => candidate.id);
    const near = nearest(target, ids);
    const fix = near === undefined
      ? "add a library.lua entry of that name"
      : `did you mean "${near}"?`;
    return { message: `unknown import "${target}"`, fix };
  }
  // An entry of an unknown kind is reported for its kind; that it holds no code follows from it.
  if (isCode(imported) || !kinds.has(imported.kind)) return undefined;
  return {
    message: `cannot import ${target}: a ${imported.kind} holds no code`,
    fix: "import a library.lua entry",
  };
}

/** Each import cycle once, reported where the first of its entries closes or enters it. */
function findCycles(code: readonly Entry[], entries: ReadonlyMap<string, Entry>): CodeFault[] {
  const faults: CodeFault[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const aliases: string[] = [];
  function visit(entry: Entry): void {
    if (done.has(entry.id)) return;
    const start = path.indexOf(entry.id);
    if (start >= 0) {
      const cycle = [...path.slice(start), entry.id];
      faults.push({
        entry: entry.id,
        path: ["data", "imports", aliases[start] ?? ""],
        message: `import cycle: ${cycle.join(" -> ")}`,
        fix: "move what both need into a library that imports neither",
      });
      return;
    }
    path.push(entry.id);
    for (const [alias, target] of importsOf(entry)) {
      const imported = entries.get(target);
      if (imported === undefined) continue;
      aliases.push(alias);
      visit(imported);
      aliases.pop();
    }
    path.pop();
    done.add(entry.id);
  }
  for (const entry of code) visit(entry);
  return faults;
}

/** What to do where a workflow uses a module that it may not use. */
export const notInWorkflow = "do it in a function.lua and call that: it runs as an activity";

/** Modules that a workflow reaches, itself or through its imports, but may not use. */
function checkWorkflowModules(
  workflow: Entry,
  entries: ReadonlyMap<string, Entry>,
): CodeFault[] {
  const faults: CodeFault[] = [];
  const seen = new Set<string>();
  const refused = (name: string) => builtinModules.get(name)?.workflows === false;
  function visit(entry: Entry, via: PropertyKey[]): void {
    if (seen.has(entry.id)) return;
    seen.add(entry.id);
    const direct = entry === workflow;
    const through = direct ? "" : ` (listed by ${entry.id})`;
    const report = (name: string, path: PropertyKey[]) => {
      const message = `module "${name}" is not allowed in a workflow${through}`;
      faults.push({ entry: workflow.id, path, message, fix: notInWorkflow });
    };
    for (const [index, name] of modulesOf(entry).entries()) {
      if (refused(name)) report(name, direct ? ["data", "modules", index] : via);
    }
    for (const [alias, target] of importsOf(entry)) {
      const path = direct ? ["data", "imports", alias] : via;
      const imported = entries.get(target);
      if (imported !== undefined) visit(imported, path);
      else if (refused(target)) report(target, path);
    }
  }
  visit(workflow, []);
  return faults;
}
