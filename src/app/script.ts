/**
 * The application that is made up around one Lua file, so that it runs by itself.
 * @module
 */
import { basename } from "node:path";
import { availableParallelism } from "node:os";
import { madeEntry } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import type { Lifecycle } from "../registry/lifecycle.ts";
import { builtinModules } from "../registry/modules.ts";
import {
  definesUncalledMain,
  type ScriptUnits,
  type UnitTable,
  unitTables,
} from "./script-units.ts";
import { modulePath } from "./script-path.ts";
import { prepareSource } from "./source.ts";

/** Identifiers of the entries that every script has. */
export const script = {
  /** The process that runs the script. */
  main: "script:main",
  terminal: "script:terminal",
  /** The directories that the module `fs` opens: the current one, and all there are. */
  cwd: "script:cwd",
  root: "script:root",
  /** The variables of the operating system. */
  environment: "script:environment",
  /** Host of its processes. */
  processes: "script:processes",
  /** Host of its workflows; there only when it has some. */
  workflows: "script:workflows",
  /** Function that tells which units the script defines. */
  units: "script:units",
} as const;

/** Entries of environment variables begin so. */
const variablePrefix = "script:env.";

const reserved: ReadonlySet<string> = new Set(Object.values(script));

/** Closed runs of a script are looked at for so long, then forgotten: a week, in milliseconds. */
const retention = 7 * 24 * 3_600_000;

/** A Lua file to run by itself. */
export interface Script {
  /** Contents; a `#!` line is allowed. */
  text: string;
  /** What it is called in messages and positions: `FILE:LINE`. */
  name: string;
  /** The file's path, where it is one. */
  file?: string;
  /** Each character of the text is a byte, since the file is no UTF-8. */
  bytes?: boolean;
}

/** Lua puts at most 59 characters of a name into a position. */
const longestName = 59;

/** The name of a script in positions; one that looks like the kernel's own code would count as such. */
export function chunkName(name: string): string {
  const shown = name.length > longestName ? basename(name).slice(0, longestName) : name;
  return shown.startsWith("lua/") ? `./${shown}`.slice(0, longestName) : shown;
}

/** Modules that a workflow cannot use are there when the file requires them, and raise when it uses them. */
const refuseInWorkflows = [...builtinModules].filter(([, { workflows }]) => !workflows)
  .map(([name]) => name);
// The global `io` of a script is Lua's, which refuses by itself.
const refusal = (kept: string) =>
  `do local given, refused = require, {} ` +
  `for name in ("${refuseInWorkflows.join(" ")}"):gmatch("%S+") do ` +
  `refused[name] = setmetatable({}, { __index = function() ` +
  `error("module '" .. name .. "' cannot be used in a workflow", 2) end }) ` +
  `if name ~= "${kept}" then _ENV[name] = refused[name] end end ` +
  `function require(name) return refused[name] or given(name) end end `;

/** All that is put before the file is on its first line, so that the file's lines keep their numbers. */
function definitions(code: string, before = ""): string {
  return `${before}functions, processes, workflows = {}, {}, {}; local returned = (function(...) ${code}
end)(...)
local main = type(returned) == "function" and returned
  or type(returned) == "table" and returned.main or main
`;
}

// What a plain script returns is its result; a function or a table with main is called, and so is a global main that
// nothing else can have called. The one name in here that the script could see is one that no script has.
function plainMain(code: string): string {
  const globalMain = definesUncalledMain(code)
    ? `if first == nil and select("#", ...) < 2 and type(main) == "function" then ` +
      `return main(table.unpack(arguments, 1, count)) end `
    : "";
  return `return function(...) local function __wippy_finish(arguments, count, ...) local first = ... ` +
    `local given = type(first) == "table" and first.main or first ` +
    `if type(given) == "function" then return given(table.unpack(arguments, 1, count)) end ` +
    `${globalMain}return ... end ` +
    `return __wippy_finish({ ... }, select("#", ...), (function(...) ${code}
end)(...)) end`;
}

const listUnits = `
local found = {}
for kind, units in pairs({ functions = functions, processes = processes, workflows = workflows }) do
  found[kind] = {}
  for name, unit in pairs(units) do
    if type(unit) ~= "function" then
      error(kind .. "." .. tostring(name) .. " must be a function, got " .. type(unit), 0)
    elseif type(name) ~= "string" or not name:find("^[%w_.-]+$") then
      error(kind .. ": a name is made of letters, digits, '_', '-' and '.', got '" .. tostring(name) .. "'", 0)
    end
    table.insert(found[kind], name)
  end
  table.sort(found[kind])
end
found.main = type(main) == "function"
return function() return found end`;

/** What {@link scriptEntries} needs besides the script. */
export interface ScriptOptions {
  /** Without modules that reach out of the runtime, and without what they reach. */
  sandbox?: boolean;
  /** The operating system's variables. */
  system?: Readonly<Record<string, string | undefined>>;
  /** What it is called with; bytes where they are no UTF-8. */
  args?: readonly (string | Uint8Array)[];
  /** Absent: the script is plain, its body is the main process. */
  units?: ScriptUnits;
  /** Absolute path of the journal of its workflows. */
  journal: string;
}

const lifecycle: Lifecycle = {
  auto_start: true,
  startup: "required",
  start_timeout: 10_000,
  stop_timeout: 10_000,
  stable_threshold: 5_000,
  requires: [],
  depends_on: [],
  restart: {
    initial_delay: 1_000,
    max_delay: 90_000,
    backoff_factor: 2,
    jitter: 0.1,
    max_attempts: 0,
  },
};

const autoStart = { lifecycle: { auto_start: true } };

class ScriptApplication {
  readonly #code: string;
  readonly #origin: NonNullable<Entry["origin"]>;
  readonly #modules: readonly string[];
  /** The module whose global is not the product's. */
  readonly #kept: string;

  constructor({ text, name, file, bytes }: Script, options: Partial<ScriptOptions> = {}) {
    const { sandbox = false, system = {}, args = [] } = options;
    this.#code = prepareSource(script.main, text).code;
    this.#kept = sandbox ? "" : "io";
    const known = { name, args, path: modulePath(file, system) };
    this.#origin = {
      file: name,
      line: 1,
      column: 1,
      chunk: chunkName(name),
      ...(bytes && { bytes }),
      ...(!sandbox && { script: file === undefined ? known : { ...known, file } }),
      text: this.#code,
    };
    const modules = [...builtinModules].filter(([, module]) => !sandbox || module.sandbox);
    this.#modules = modules.map(([module]) => module);
  }

  plain(): Entry {
    return this.#process(script.main, plainMain(this.#code));
  }

  main(): Entry {
    return this.#process(script.main, `${definitions(this.#code)}return main`);
  }

  finder(): Entry {
    return this.#function(script.units, definitions(this.#code) + listUnits);
  }

  unit(table: UnitTable, name: string): Entry {
    const id = `script:${name}`;
    const source = definitions(this.#code, table === "workflows" ? refusal(this.#kept) : "");
    const code = `${source}return ${table}["${name}"]`;
    if (table === "functions") return this.#function(id, code);
    // A process that is called like a function needs a host.
    if (table === "processes") return this.#process(id, code, { default_host: script.processes });
    const data = this.#payload(code);
    return madeEntry(this.#entry(id, "workflow.lua", data, this.#title), data);
  }

  processHost(): Entry {
    const entry = this.#entry(script.processes, "process.host", autoStart);
    const host = {
      workers: availableParallelism(),
      queue_size: 1024,
      local_queue_size: 256,
      max_processes: undefined,
      max_mailbox: undefined,
      max_message_size: undefined,
    };
    return madeEntry(entry, { host, lifecycle });
  }

  terminalHost(): Entry {
    const entry = this.#entry(script.terminal, "terminal.host", autoStart);
    return madeEntry(entry, { hide_logs: false, lifecycle });
  }

  /** @param kept milliseconds that a closed run is kept */
  workflowHost(journal: string, kept?: number): Entry {
    const text = kept === undefined ? {} : { retention: `${kept}ms` };
    const entry = this.#entry(script.workflows, "workflow.host", {
      ...autoStart,
      journal,
      ...text,
    });
    return madeEntry(entry, {
      journal,
      retention: kept,
      max_concurrent_activities: undefined,
      max_history_events: undefined,
      max_history_bytes: undefined,
      lifecycle,
    });
  }

  /** What the modules `fs` and `env` reach. */
  platform(system: Readonly<Record<string, string | undefined>>): Entry[] {
    const variables = Object.keys(system).filter((name) => /^\w+$/.test(name));
    return [
      this.#entry(script.cwd, "fs.directory", { directory: "." }),
      this.#entry(script.root, "fs.directory", { directory: "/" }),
      this.#entry(script.environment, "env.storage.os", {}),
      ...variables.map((variable) =>
        this.#entry(`${variablePrefix}${variable}`, "env.variable", {
          variable,
          storage: script.environment,
          readonly: true,
        })
      ),
    ];
  }

  #function(id: string, source: string): Entry {
    const data = this.#payload(source);
    const pool = { type: "lazy", workers: 16, buffer: 0 } as const;
    const entry = this.#entry(id, "function.lua", data, this.#title);
    return madeEntry(entry, { ...data, pool });
  }

  #process(id: string, source: string, meta: Record<string, unknown> = {}): Entry {
    const data = this.#payload(source);
    return madeEntry(this.#entry(id, "process.lua", data, { ...this.#title, ...meta }), data);
  }

  #entry(
    id: string,
    kind: string,
    data: Record<string, unknown>,
    meta: Record<string, unknown> = {},
  ): Entry {
    return { id, kind, meta, data, origin: this.#origin };
  }

  #payload(source: string) {
    return { source, method: "main", modules: [...this.#modules], imports: {} };
  }

  get #title() {
    return { title: basename(this.#origin.file) };
  }
}

/**
 * The entries to list the units which a script defines: the result of the function {@link script}.units is for
 * {@link readUnits}.
 */
export function unitsFinder(file: Script, options?: Partial<ScriptOptions>): Entry[] {
  const made = new ScriptApplication(file, options);
  return [made.finder(), ...options?.sandbox ? [] : made.platform({})];
}

/** The entries around a script: a main process on a terminal host, hosts, and the units that it defines. */
export function scriptEntries(file: Script, options: ScriptOptions): Entry[] {
  const { units, journal, sandbox, system = {} } = options;
  const made = new ScriptApplication(file, options);
  const hosts = [
    made.processHost(),
    made.terminalHost(),
    ...sandbox ? [] : made.platform(system),
  ];
  if (units === undefined) return [made.plain(), ...hosts];
  const tables = Object.keys(unitTables) as UnitTable[];
  const entries = tables.flatMap((table) => units[table].map((name) => made.unit(table, name)));
  if (units.workflows.length > 0) hosts.push(made.workflowHost(journal, retention));
  return [made.main(), ...entries, ...hosts];
}

/** The entries of a prompt: a process that waits, in which what is typed runs, and hosts for the units made there. */
export function promptEntries(options: ScriptOptions): Entry[] {
  const { sandbox, system = {}, journal } = options;
  // It has to wait for a timer: a process all of whose coroutines wait for nothing has ended.
  const waiting = 'local time = require("time") while true do time.sleep("24h") end';
  const made = new ScriptApplication({ text: waiting, name: "repl" }, options);
  return [
    made.plain(),
    made.processHost(),
    made.terminalHost(),
    made.workflowHost(journal),
    ...sandbox ? [] : made.platform(system),
  ];
}

/** The entry of a unit that was made at a prompt; its code is known only to the VM where it was typed. */
export function promptUnit(table: UnitTable, name: string): Entry {
  const text = "-- made at the prompt\nreturn function() end";
  const code = { source: text, method: "main", modules: [] };
  const meta = table === "processes" ? { default_host: script.processes } : {};
  return { id: `script:${name}`, kind: unitTables[table], meta, data: code };
}

/** Why a unit cannot have a name, or undefined. */
export function nameTaken(name: string): string | undefined {
  const id = `script:${name}`;
  if (!reserved.has(id) && !id.startsWith(variablePrefix)) return undefined;
  const taken = [...reserved, `${variablePrefix}*`].map((other) => other.slice(7));
  return `give it another name than ${taken.join(", ")}`;
}

/**
 * Reads what the function of {@link unitsFinder} gave.
 *
 * @returns the units, or what is wrong with them and how to fix it
 */
export function readUnits(found: unknown): ScriptUnits | { message: string; fix: string } {
  const { main, ...lists } = found as Record<UnitTable, unknown> & { main: boolean };
  // An empty Lua table is a map.
  const names = (table: UnitTable) => Array.isArray(lists[table]) ? lists[table] as string[] : [];
  const units: ScriptUnits = {
    functions: names("functions"),
    processes: names("processes"),
    workflows: names("workflows"),
  };
  const seen = new Map<string, string>();
  for (const table of Object.keys(unitTables) as UnitTable[]) {
    for (const name of units[table]) {
      const fix = nameTaken(name);
      if (fix !== undefined) {
        return { message: `${table}.${name}: the name is taken by the script itself`, fix };
      }
      const other = seen.get(name);
      if (other !== undefined) {
        return {
          message: `${table}.${name} and ${other}.${name} would both be script:${name}`,
          fix: "give one of them another name",
        };
      }
      seen.set(name, table);
    }
  }
  if (!main) {
    return {
      message: "the script defines units but no main, so there is nothing to run",
      fix: "put what it does into: function main(...) … end",
    };
  }
  return units;
}
