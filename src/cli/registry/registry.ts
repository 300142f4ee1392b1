import { stringify } from "yaml";
import { toJson } from "../../observe/json.ts";
import type { Entry } from "../../registry/entry.ts";
import { parseId } from "../../registry/entry.ts";
import type { Query } from "../../registry/query.ts";
import { Registry } from "../../registry/registry.ts";
import { nearest } from "../../registry/suggestion.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { load, type SourceOptions } from "../run/load.ts";
import { report } from "../terminal/report.ts";

/** Flags of `wippy registry list`. */
export interface ListOptions extends SourceOptions {
  kind?: string;
  ns?: string;
  name?: string;
  meta?: string[];
  json?: boolean;
  yaml?: boolean;
}

/** Flags of `wippy registry show`. */
export interface ShowOptions extends SourceOptions {
  field?: string;
  raw?: boolean;
  json?: boolean;
  yaml?: boolean;
}

async function open(console: Console, options: SourceOptions): Promise<Registry> {
  const application = await load(console, options);
  // A faulty application can still be looked at: only what could not be read is missing.
  for (const problem of application.problems) {
    if (problem.severity === "error" && problem.entry === undefined) report(console, [problem]);
  }
  return new Registry(application.entries);
}

/** Turns `--meta` texts into criteria: `f~re`, `f*sub`, `f^pre`, `f$suf`, `f=v`. */
function metaQuery(filters: readonly string[]): Query {
  return Object.fromEntries(filters.map((filter) => {
    for (const operator of ["~", "*", "^", "$", "="]) {
      const at = filter.indexOf(operator);
      if (at <= 0) continue;
      const prefix = operator === "=" ? "" : operator;
      return [`${prefix}meta.${filter.slice(0, at)}`, filter.slice(at + 1)];
    }
    throw new CommandError(`invalid --meta "${filter}"`, "write field=value, or field~pattern");
  }));
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - "...".length)}...` : text;
}

function table(entries: readonly Entry[]): string {
  if (entries.length === 0) return "No entries found\n";
  const rows = entries.map(({ id, kind }) => [cut(id, 50), cut(kind, 30)] as const);
  const width = (column: 0 | 1, title: string) =>
    Math.max(title.length, ...rows.map((row) => row[column].length));
  const [idWidth, kindWidth] = [width(0, "ID"), width(1, "KIND")];
  const line = (id: string, kind: string) => `${id.padEnd(idWidth)}  ${kind}`.trimEnd();
  return [
    line("ID", "KIND"),
    line("-".repeat(idWidth), "-".repeat(kindWidth)),
    ...rows.map(([id, kind]) => line(id, kind)),
    "",
    `Total: ${entries.length} entries`,
    "",
  ].join("\n");
}

/** `wippy registry list` */
export async function listEntries(console: Console, options: ListOptions): Promise<number> {
  const registry = await open(console, options);
  const query: Record<string, unknown> = metaQuery(options.meta ?? []);
  if (options.kind !== undefined) query[".kind"] = options.kind;
  if (options.ns !== undefined) query[".ns"] = options.ns;
  if (options.name !== undefined) query[".name"] = options.name;
  const entries = registry.find(query, (warning) => console.err(`${warning}\n`));
  const plain = entries.map(({ id, kind, meta }) => ({ id, kind, meta }));
  if (options.json) console.out(`${toJson(plain, 2)}\n`);
  else if (options.yaml) console.out(stringify(plain));
  else console.out(table(entries));
  return 0;
}

function findEntry(registry: Registry, name: string): Entry {
  const exact = registry.get(name);
  if (exact !== undefined) return exact;
  const all = registry.all();
  const named = name.includes(":") ? [] : all.filter((entry) => parseId(entry.id).name === name);
  const [first] = named;
  if (first && named.length === 1) return first;
  if (named.length > 1) {
    const ids = named.map((entry) => entry.id).join(", ");
    throw new CommandError(
      `ambiguous entry name "${name}", use full ID (namespace:name)`,
      `choose one of ${ids}`,
    );
  }
  const candidates = all.map(({ id }) => name.includes(":") ? id : parseId(id).name);
  const near = nearest(name, candidates);
  throw new CommandError(
    `entry not found: ${name}`,
    near === undefined ? "wippy registry list shows all" : `did you mean "${near}"?`,
  );
}

/** Text as it is, everything else as YAML. */
function plainText(value: unknown): string {
  return typeof value === "string" ? value : yamlOf(value);
}

/** YAML whose texts, such as source code, keep their lines. */
function yamlOf(value: unknown): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

/** A field of the metadata: lists and tables that hold something begin on the next line. */
function metadataOf(key: string, value: unknown): string {
  const text = plainText(value).replaceAll("\n", "\n    ");
  const nested = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  return `  ${key}:${nested ? "\n    " : " "}${text}`;
}

function describe(entry: Entry): string {
  const metadata = Object.keys(entry.meta).sort().map((key) => metadataOf(key, entry.meta[key]));
  const data = yamlOf(entry.data).split("\n").map((line) => `  ${line}`.trimEnd());
  return [
    `ID: ${entry.id}`,
    `Kind: ${entry.kind}`,
    ...(metadata.length === 0 ? [] : ["Metadata:", ...metadata]),
    "Data:",
    ...data,
    "",
  ].join("\n");
}

/** `wippy registry show ID` */
export async function showEntry(
  console: Console,
  name: string,
  options: ShowOptions,
): Promise<number> {
  if (options.raw && options.field === undefined) {
    throw new CommandError("--raw shows one field", "name it with --field");
  }
  const entry = findEntry(await open(console, options), name);
  const { id, kind, meta, data } = entry;
  if (options.field !== undefined) {
    if (!Object.hasOwn(data, options.field)) {
      const fields = Object.keys(data).join(", ") || "none";
      throw new CommandError(
        `field "${options.field}" not found in entry data`,
        `${id} has: ${fields}`,
      );
    }
    const value = data[options.field];
    const text = options.json
      ? toJson(value, 2)
      : options.yaml
      ? stringify(value).trimEnd()
      : plainText(value);
    // Raw is for programs: byte by byte.
    console.out(options.raw ? Buffer.from(text) : `${text}\n`);
  } else if (options.json) console.out(`${toJson({ id, kind, meta, data }, 2)}\n`);
  else if (options.yaml) console.out(stringify({ id, kind, meta, data }));
  else console.out(describe(entry));
  return 0;
}
