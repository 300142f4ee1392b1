import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TextDocument } from "vscode-languageserver-textdocument";
import { type Application, loadApplication } from "../app/app.ts";
import { importsOf, isCode, modulesOf } from "../app/code-graph.ts";
import { CodeTypes } from "../app/code-types.ts";
import { lockFileName } from "../app/lock-name.ts";
import type { Problem } from "../app/problem.ts";
import { YamlFile } from "../app/yaml-file.ts";
import type { Entry } from "../registry/entry.ts";
import { builtinModules } from "../registry/modules.ts";
import { DefinitionText } from "./definition-text.ts";
import { SourceText } from "./source-text.ts";

/** Applications are looked for so many folders deep, and so many at most. */
const deepest = 4;
const mostApplications = 50;
const neverEntered = /^(?:\.|node_modules$|dist$|build$)/;

/** The path that a URI names; undefined for one that is no file's. */
export function pathOf(uri: string): string | undefined {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a file holds Lua. */
export function isLua(uri: string): boolean {
  return uri.endsWith(".lua");
}

/** Whether a file may define entries. */
export function isDefinition(uri: string): boolean {
  return /\.(?:ya?ml|json)$/.test(uri);
}

/** An application as its files are, with what is unsaved in an editor. */
export class Loaded {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly #byFile = new Map<string, Entry[]>();
  readonly #definitions = new Map<string, DefinitionText>();

  /**
   * @param application with the definitions that could be read last
   * @param problems of the definitions as they are
   */
  constructor(
    readonly application: Application,
    readonly problems: readonly Problem[],
    readonly workspace: Workspace,
  ) {
    this.entries = new Map(application.entries.map((entry) => [entry.id, entry]));
    this.#ids = application.entries.map(({ id }) => id).join(" ");
    for (const entry of application.entries) {
      const file = this.sourceFile(entry);
      if (file === undefined) continue;
      const others = this.#byFile.get(file);
      if (others) others.push(entry);
      else this.#byFile.set(file, [entry]);
    }
  }

  get directory(): string {
    return this.application.directory;
  }

  /** The code of an entry as the editor has it. */
  codeOf(entry: Entry): string | undefined {
    const file = this.sourceFile(entry);
    const text = file === undefined ? undefined : this.workspace.source(file)?.text;
    const own = entry.data["source"];
    return text ?? (typeof own === "string" ? own : undefined);
  }

  /** What is known of the types of its entries. */
  get types(): CodeTypes {
    return this.workspace.typesOf(this.directory);
  }

  /** Changes whenever an entry comes or goes. */
  readonly #ids: string;

  /** What the diagnostics of a file depend on, besides its text. */
  contextOf(path: string): string {
    const own = this.entriesOf(path);
    const listed = own.map(({ data }) => [data["modules"], data["imports"]]);
    const code = this.#importedBy(own).map((entry) =>
      Bun.hash(this.codeOf(entry) ?? "").toString(36)
    );
    return `${this.#ids}\n${JSON.stringify(listed)}\n${code.join(" ")}`;
  }

  /** The entries that others import, and those that these import. */
  #importedBy(entries: readonly Entry[]): Entry[] {
    const found = new Set<Entry>();
    const waiting = entries.flatMap(importsOf);
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const entry = this.entries.get(next[1]);
      if (!entry || found.has(entry)) continue;
      found.add(entry);
      waiting.push(...importsOf(entry));
    }
    return [...found];
  }

  /** Whether the code in a file imports that of another one. */
  dependsOn(path: string, uri: string): boolean {
    const other = pathOf(uri);
    return this.#importedBy(this.entriesOf(path)).some((entry) => this.sourceFile(entry) === other);
  }

  /** The file that the code of an entry is in, where it has one of its own. */
  sourceFile({ origin }: Entry): string | undefined {
    if (!origin?.source || origin.source.file === origin.file) return undefined;
    return resolve(this.directory, origin.source.file);
  }

  /** The entries whose code is in a file. */
  entriesOf(path: string): readonly Entry[] {
    return this.#byFile.get(path) ?? [];
  }

  /** Files of code. */
  get sourceFiles(): string[] {
    return [...this.#byFile.keys()];
  }

  /** Files of tests beside code. */
  get testFiles(): string[] {
    const folders = new Set(this.sourceFiles.map((file) => dirname(file)));
    return [...folders].flatMap((folder) =>
      readdirSync(folder).filter((name) => name.endsWith("_test.lua")).map((name) =>
        join(folder, name)
      )
    );
  }

  /** The files that define entries. */
  get definitions(): DefinitionText[] {
    const files = new Set(this.application.entries.flatMap(({ origin }) => origin?.file ?? []));
    return [...files].flatMap((file) => this.definition(resolve(this.directory, file)) ?? []);
  }

  /** A definition file; undefined where there is none. */
  definition(path: string): DefinitionText | undefined {
    const source = this.workspace.source(path);
    if (source === undefined) return undefined;
    let found = this.#definitions.get(path);
    if (found?.source !== source) {
      found = new DefinitionText(source);
      this.#definitions.set(path, found);
    }
    return found;
  }
}

/** The folders of an editor: their applications, and the documents that are open. */
export class Workspace {
  readonly #folders = new Set<string>();
  readonly #open = new Map<string, SourceText>();
  /** Texts of files that are not open, until something changes. */
  #files = new Map<string, SourceText>();
  /** Those before the change: a file that is the same needs not be parsed and checked again. */
  #before = new Map<string, SourceText>();
  readonly #loaded = new Map<string, Loaded>();
  readonly #types = new Map<string, CodeTypes>();
  /** The last texts of open definition files that were YAML: half a line must not make all entries unknown. */
  readonly #readable = new Map<string, string>();

  /** What is known of the types of an application's entries, by its directory: it outlives each load. */
  typesOf(directory: string): CodeTypes {
    let types = this.#types.get(directory);
    if (!types) this.#types.set(directory, types = new CodeTypes());
    return types;
  }

  addFolder(uri: string): void {
    const path = pathOf(uri);
    if (path !== undefined) this.#folders.add(path);
  }

  removeFolder(uri: string): void {
    const path = pathOf(uri);
    if (path !== undefined) this.#folders.delete(path);
    this.forgetFiles();
  }

  /** Documents that are open. */
  get documents(): SourceText[] {
    return [...this.#open.values()];
  }

  /** The open document of a URI. */
  document(uri: string): SourceText | undefined {
    return this.#open.get(uri);
  }

  /** Takes over that a document is open, with the text that the editor has. */
  open(document: TextDocument): void {
    const { uri } = document;
    this.#open.set(uri, new SourceText(document));
    if (isLua(uri)) return;
    this.#loaded.clear();
    if (isReadable(document.getText())) this.#readable.set(uri, document.getText());
  }

  close(uri: string): void {
    this.#open.delete(uri);
    this.#readable.delete(uri);
    this.forgetFiles();
  }

  /** Reads files anew when they are asked for next. */
  forgetFiles(): void {
    if (this.#files.size > 0) this.#before = this.#files;
    this.#files = new Map();
    this.#loaded.clear();
  }

  /** The text of a file: that of the editor, or of the disk. */
  source(path: string): SourceText | undefined {
    const uri = pathToFileURL(path).href;
    const open = this.#open.get(uri) ?? this.documents.find((each) => pathOf(each.uri) === path);
    if (open) return open;
    const known = this.#files.get(path);
    if (known) return known;
    try {
      const text = readFileSync(path, "utf8");
      const before = this.#before.get(path);
      const read = before?.text === text ? before : SourceText.of(uri, text);
      this.#files.set(path, read);
      return read;
    } catch {
      return undefined;
    }
  }

  /** The application that a document belongs to. */
  async applicationOf(uri: string): Promise<Loaded | undefined> {
    const path = pathOf(uri);
    if (path === undefined) return undefined;
    for (let folder = dirname(path);; folder = dirname(folder)) {
      if (existsSync(join(folder, lockFileName))) return await this.#load(folder);
      if (folder === dirname(folder)) return undefined;
    }
  }

  /** Every application in the folders, and those of open documents. */
  async applications(): Promise<Loaded[]> {
    const folders = new Set<string>();
    for (const folder of this.#folders) findApplications(folder, 0, folders);
    const found = new Set<Loaded>();
    for (const folder of folders) found.add(await this.#load(folder));
    for (const { uri } of this.documents) {
      const loaded = await this.applicationOf(uri);
      if (loaded) found.add(loaded);
    }
    return [...found];
  }

  async #load(directory: string): Promise<Loaded> {
    const known = this.#loaded.get(directory);
    if (known) return known;
    const texts = new Map<string, string>();
    const readable = new Map<string, string>();
    let isWhole = true;
    for (const { uri, text } of this.documents) {
      const path = pathOf(uri);
      if (path === undefined) continue;
      texts.set(path, text);
      const last = isDefinition(uri) ? this.#readable.get(uri) : text;
      if (last !== undefined) readable.set(path, last);
      if (last !== text && path.startsWith(directory)) isWhole = false;
    }
    const current = await loadApplication({ directory, texts });
    const application = isWhole ? current : await loadApplication({ directory, texts: readable });
    const loaded = new Loaded(application, current.problems, this);
    this.#loaded.set(directory, loaded);
    return loaded;
  }
}

function isReadable(text: string): boolean {
  return new YamlFile(text, "").problems.length === 0;
}

function findApplications(folder: string, depth: number, found: Set<string>): void {
  if (found.size >= mostApplications) return;
  try {
    if (existsSync(join(folder, lockFileName))) found.add(folder);
    if (depth >= deepest) return;
    for (const item of readdirSync(folder, { withFileTypes: true })) {
      if (!item.isDirectory() || neverEntered.test(item.name)) continue;
      findApplications(join(folder, item.name), depth + 1, found);
    }
  } catch {
    // A folder that cannot be read holds nothing for us.
  }
}

/** What a file of code may use: the modules and imports of the entries whose code it holds. */
export interface Usable {
  modules: string[];
  /** Alias to entry. */
  imports: Map<string, string>;
}

/** What the code of a file may use; a script may use every module. */
export function usableIn(entries: readonly Entry[]): Usable {
  const code = entries.filter(isCode);
  if (code.length === 0) return { modules: [...builtinModules.keys()], imports: new Map() };
  return {
    modules: [...new Set(code.flatMap(modulesOf))],
    imports: new Map(code.flatMap(importsOf)),
  };
}
