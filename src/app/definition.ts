import { readFileSync } from "node:fs";
import { type Entry, payloadOf } from "../registry/entry.ts";
import { pathText } from "../registry/fault.ts";
import { kinds } from "../registry/kinds.ts";
import { isFileReference, readFileReference } from "./file-reference.ts";
import type { Problem } from "./problem.ts";
import { type Position, YamlFile } from "./yaml-file.ts";

/** Where an entry and its parts are written. */
export interface Place {
  /** Relative to the application's directory. */
  file: string;
  /** Position of a path that begins with `data`, `meta`, `name` or `kind`; empty where there is no file. */
  at(path: readonly PropertyKey[]): Partial<Position>;
  /** Turns a line of the text at `data.source` into a place in a file. */
  sourceLine(line: number): { file: string; line: number };
}

/** An entry as read, with its place. */
export interface DefinedEntry {
  entry: Entry;
  place: Place;
}

/** A directory that entries are loaded from. */
export interface LoadRoot {
  /** Absolute path. */
  directory: string;
  /** The root of the module, where its sources are in a folder of that. @default `directory` */
  home?: string;
  /** Set on the entries of installed modules. */
  module?: { name: string; version?: string };
}

type PlainMap = Record<string, unknown>;

function isMap(value: unknown): value is PlainMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

const fileKeys: ReadonlySet<string> = new Set(["version", "namespace", "meta", "entries"]);
const entryKeys: ReadonlySet<string> = new Set(["name", "kind", "meta", "data"]);

/**
 * Reads the entries of one definition file.
 *
 * @param path absolute path of the file
 * @param root directory that `file://` strings cannot leave
 * @param shown turns an absolute path into one for messages
 * @param texts texts to take instead of what files hold, by absolute path
 * @returns nothing for a file without a namespace: any YAML may lie around
 */
export function readDefinition(
  path: string,
  root: LoadRoot,
  shown: (path: string) => string,
  texts?: ReadonlyMap<string, string>,
): { entries: DefinedEntry[]; problems: Problem[] } {
  let text: string;
  try {
    text = texts?.get(path) ?? readFileSync(path, "utf8");
  } catch (error) {
    const message = `cannot read the file: ${(error as Error).message}`;
    const fix = "make it readable, or remove it";
    return { entries: [], problems: [{ severity: "error", file: shown(path), message, fix }] };
  }
  const yaml = new YamlFile(text, shown(path));
  if (yaml.problems.length > 0) {
    const ours = /^\s*["']?namespace["']?\s*:/m.test(text);
    return { entries: [], problems: ours ? yaml.problems : [] };
  }
  return new DefinitionReader(yaml, path, root, shown, texts).read();
}

class DefinitionReader {
  readonly #entries: DefinedEntry[] = [];
  readonly #problems: Problem[] = [];

  constructor(
    readonly yaml: YamlFile,
    readonly path: string,
    readonly root: LoadRoot,
    readonly shown: (path: string) => string,
    readonly texts: ReadonlyMap<string, string> | undefined,
  ) {}

  read(): { entries: DefinedEntry[]; problems: Problem[] } {
    const file = this.yaml.value;
    if (isMap(file)) this.#readFile(file);
    return { entries: this.#entries, problems: this.#problems };
  }

  #report(path: PropertyKey[], message: string, fix: string, entry?: string): void {
    this.#add("error", path, message, fix, entry);
  }

  #add(
    severity: Problem["severity"],
    path: PropertyKey[],
    message: string,
    fix: string,
    entry?: string,
  ): void {
    const position = this.yaml.position(path);
    const named = entry === undefined ? {} : { entry };
    this.#problems.push({ severity, ...named, file: this.yaml.file, ...position, message, fix });
  }

  #readFile(file: PlainMap): void {
    const { namespace, entries } = file;
    if (!isText(namespace)) {
      if (Array.isArray(entries) && entries.some((entry) => isMap(entry) && "kind" in entry)) {
        const fix = 'add "namespace: NAME" at the top of the file';
        this.#add("warning", [], "the file has no namespace, so its entries are ignored", fix);
      }
      return;
    }
    if (namespace.includes(":")) {
      const message = `a namespace cannot contain a colon: ${namespace}`;
      return this.#report(["namespace"], message, `write ${namespace.replaceAll(":", ".")}`);
    }
    const meta = this.#meta(file["meta"], ["meta"]);
    if (entries !== undefined && entries !== null && !Array.isArray(entries)) {
      return this.#report(["entries"], "entries must be a list", 'begin each entry with "- name:"');
    }
    if (Array.isArray(entries) && entries.length > 0) {
      for (const [index, entry] of entries.entries()) {
        this.#readEntry(namespace, meta, entry, ["entries", index], `entry[${index}]`);
      }
    } else if ("name" in file || "kind" in file) {
      const own = Object.entries(file).filter(([key]) => !fileKeys.has(key));
      this.#readEntry(namespace, meta, Object.fromEntries(own), [], "entry");
    } else {
      const message = "entries: either entries array or single entry (name/kind) must be provided";
      this.#add("warning", ["namespace"], message, "add entries, or remove the namespace");
    }
  }

  /** `meta` with file:// strings replaced; anything but a map is ignored, visibly. */
  #meta(meta: unknown, path: PropertyKey[], entry?: string): PlainMap {
    if (meta === undefined || meta === null) return {};
    if (isMap(meta)) return this.#inline(meta, path, entry, new Map()) as PlainMap;
    this.#add("warning", path, "meta is not a map, so it is ignored", "write keys below it", entry);
    return {};
  }

  #readEntry(
    namespace: string,
    shared: PlainMap,
    raw: unknown,
    path: PropertyKey[],
    label: string,
  ): void {
    if (!isMap(raw)) {
      return this.#report(path, `${label} must be a map`, "give it a name and a kind");
    }
    const id = isText(raw["name"]) ? `${namespace}:${raw["name"]}` : undefined;
    if (id === undefined) {
      const message = `${label}.name: name is required and must be a non-empty string`;
      this.#report([...path, "name"], message, 'add "name: NAME" to the entry');
    }
    const kind = raw["kind"];
    if (!isText(kind)) {
      const message = `${label}.kind: kind is required and must be a non-empty string`;
      this.#report([...path, "kind"], message, 'add "kind: function.lua", for example', id);
    }
    if (id === undefined || !isText(kind)) return;

    const siblings = Object.entries(raw).filter(([key]) => !entryKeys.has(key));
    const nested = raw["data"] !== undefined && raw["data"] !== null;
    const payload = nested ? raw["data"] : Object.fromEntries(siblings);
    const payloadPath = nested ? [...path, "data"] : path;
    const [first] = siblings;
    if (nested && first) {
      const names = siblings.map(([key]) => key).join(", ");
      const message = `${names} beside data is ignored: data is the whole payload`;
      this.#add("warning", [...path, first[0]], message, "move it into data", id);
    }
    if (!isMap(payload) && kinds.get(kind)?.anyData !== true) {
      return this.#report(payloadPath, "data must be a map", "write keys below data", id);
    }
    const files = new Map<string, string>();
    const data = payloadOf(this.#inline(payload, payloadPath, id, files));
    // In the single-entry form the meta of the file is the entry's own.
    const own = path.length === 0 ? {} : this.#meta(raw["meta"], [...path, "meta"], id);
    const position = this.yaml.position(path.length === 0 ? ["name"] : path);
    const entry: DefinedEntry["entry"] = {
      id,
      kind,
      meta: { ...shared, ...own, ...this.#moduleMeta() },
      data,
      origin: { file: this.yaml.file, ...position },
    };
    const place = this.#place(path, payloadPath, files);
    if (typeof data["source"] === "string") {
      entry.origin = { ...entry.origin!, source: place.sourceLine(1) };
    }
    this.#entries.push({ entry, place });
  }

  #moduleMeta(): PlainMap {
    const module = this.root.module;
    if (module === undefined) return {};
    const version = module.version === undefined ? {} : { module_version: module.version };
    return { module: module.name, ...version };
  }

  #place(path: PropertyKey[], payloadPath: PropertyKey[], files: Map<string, string>): Place {
    const { yaml } = this;
    const full = (inner: readonly PropertyKey[]): PropertyKey[] => {
      const [part, ...rest] = inner;
      return part === "data" ? [...payloadPath, ...rest] : [...path, ...inner];
    };
    const source = files.get("source");
    return {
      file: yaml.file,
      at(inner) {
        const whole = full(inner);
        // Nothing of it is in the file: it was put there by an override, or is missing.
        if (yaml.reach(whole) <= path.length) return yaml.position(path.length ? path : ["name"]);
        return yaml.position(whole);
      },
      sourceLine(line) {
        if (source !== undefined) return { file: source, line };
        return { file: yaml.file, line: yaml.textLine(full(["data", "source"])) + line - 1 };
      },
    };
  }

  /** Replaces every `file://` string by the file's text; `files` gets the path of each. */
  #inline(
    value: unknown,
    path: PropertyKey[],
    entry: string | undefined,
    files: Map<string, string>,
    inner: PropertyKey[] = [],
  ): unknown {
    if (typeof value === "string") {
      if (!isFileReference(value)) return value;
      const read = readFileReference(value, this.path, this.root.directory, this.texts);
      if ("message" in read) {
        this.#report(path, `${pathText(inner)}: ${read.message}`, read.fix, entry);
        return value;
      }
      files.set(inner.join("\0"), this.shown(read.path));
      return read.text;
    }
    const step = (element: unknown, key: PropertyKey) =>
      this.#inline(element, [...path, key], entry, files, [...inner, key]);
    if (Array.isArray(value)) return value.map(step);
    if (!isMap(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, step(child, key)]));
  }
}
