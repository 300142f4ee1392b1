import {
  type Connection,
  type Diagnostic,
  DidChangeWatchedFilesNotification,
  DocumentFormattingRequest,
  DocumentRangeFormattingRequest,
  type InitializeParams,
} from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { CheckSyntax } from "../app/validation.ts";
import { withSyntaxCheck } from "../app/syntax-check.ts";
import { machine } from "../platform/machine.ts";
import type { Platform } from "../platform/platform.ts";
import { codeDiagnostics, definitionDiagnostics } from "./diagnostics.ts";
import { isDefinition, isLua, type Loaded, pathOf, Workspace } from "./workspace.ts";

/** How long after the last change a document is checked, and an application, in milliseconds. */
const documentDelay = 20;
const applicationDelay = 150;

/** Diagnostics of one file, at most. */
const mostDiagnostics = 500;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** One editor: its folders, its documents, and what was told of them. */
export class Session {
  readonly workspace = new Workspace();
  /** Files that have diagnostics in the editor. */
  readonly #told = new Set<string>();
  readonly #timers = new Map<string, () => void>();
  #watches = false;
  #formatsLua = false;
  #rules = true;
  /** Counts checks of the applications: a new one ends the one before. */
  #round = 0;
  #stopped = false;

  constructor(readonly connection: Connection, readonly platform: Platform = machine) {}

  initialize({ workspaceFolders, rootUri, capabilities, initializationOptions }: InitializeParams) {
    const folders = workspaceFolders?.map(({ uri }) => uri) ?? (rootUri ? [rootUri] : []);
    for (const uri of folders) this.workspace.addFolder(uri);
    this.#formatsLua = capabilities?.textDocument?.formatting?.dynamicRegistration === true &&
      capabilities.textDocument.rangeFormatting?.dynamicRegistration === true;
    this.#watches = capabilities?.workspace?.didChangeWatchedFiles?.dynamicRegistration === true;
    this.configure(initializationOptions);
  }

  /** Takes settings over: `{ lint: { rules: false } }`, alone or below `wippy`. */
  configure(settings: unknown): void {
    const own = isRecord(settings) && isRecord(settings["wippy"]) ? settings["wippy"] : settings;
    const lint = isRecord(own) ? own["lint"] : undefined;
    const rules = isRecord(lint) ? lint["rules"] : undefined;
    if (typeof rules === "boolean") this.#rules = rules;
  }

  /** Whether the editor can be told that only Lua is formatted here; YAML has formatters of its own. */
  get formatsByLanguage(): boolean {
    return this.#formatsLua;
  }

  /** Has files watched, and tells what is wrong. */
  begin(): void {
    if (this.#formatsLua) {
      const lua = { documentSelector: [{ language: "lua" }] };
      for (const { type } of [DocumentFormattingRequest, DocumentRangeFormattingRequest]) {
        this.connection.client.register(type, lua).catch(() => {});
      }
    }
    if (this.#watches) {
      const watchers = [{ globPattern: "**/*.{lua,yaml,yml,json,lock}" }];
      this.connection.client.register(DidChangeWatchedFilesNotification.type, { watchers })
        .catch(() => {});
    }
    this.checkApplications();
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Checks a document soon; its application too where the document defines entries. */
  changed(uri: string, version: number, text: string): void {
    const known = this.workspace.document(uri);
    const document = TextDocument.create(uri, "", version, text);
    this.workspace.open(document);
    if (isLua(uri) && known) {
      this.#soon(uri, documentDelay, () => this.#checkDocument(uri));
    } else this.checkApplications();
  }

  closed(uri: string): void {
    this.#timers.get(uri)?.();
    this.#timers.delete(uri);
    this.workspace.close(uri);
    // What is on the disk counts now; a file of no application is not looked at.
    this.#tell(uri, []);
    this.checkApplications();
  }

  /** Checks every application, soon. */
  checkApplications(): void {
    this.#soon("", applicationDelay, () => this.#checkApplications());
  }

  #soon(key: string, delay: number, work: () => Promise<void>): void {
    if (this.#stopped) return;
    this.#timers.get(key)?.();
    const cancel = this.platform.setTimer(delay, () => {
      this.#timers.delete(key);
      work().catch((error: unknown) => {
        if (!this.#stopped) this.connection.console.error(String(error));
      });
    });
    this.#timers.set(key, cancel);
  }

  #tell(uri: string, diagnostics: Diagnostic[]): void {
    if (this.#stopped || diagnostics.length === 0 && !this.#told.has(uri)) return;
    if (diagnostics.length === 0) this.#told.delete(uri);
    else this.#told.add(uri);
    const version = this.workspace.document(uri)?.document.version;
    void this.connection.sendDiagnostics({
      uri,
      ...(version !== undefined && { version }),
      diagnostics: diagnostics.slice(0, mostDiagnostics),
    });
  }

  #settings(checkSyntax: CheckSyntax) {
    return { checkSyntax, rules: this.#rules };
  }

  async #checkDocument(uri: string): Promise<void> {
    const loaded = await this.workspace.applicationOf(uri);
    await withSyntaxCheck((checkSyntax) => {
      const settings = this.#settings(checkSyntax);
      const changed = this.workspace.document(uri);
      if (changed) this.#tell(uri, codeDiagnostics(changed, loaded, settings));
      if (!loaded) return;
      // Those who import it may have become wrong, or right.
      for (const file of loaded.sourceFiles) {
        const source = this.workspace.source(file);
        if (!source || source === changed || !loaded.dependsOn(file, uri)) continue;
        this.#tell(source.uri, codeDiagnostics(source, loaded, settings));
      }
    });
  }

  async #checkApplications(): Promise<void> {
    const round = ++this.#round;
    const applications = await this.workspace.applications();
    await withSyntaxCheck(async (checkSyntax) => {
      const settings = this.#settings(checkSyntax);
      const wrong = new Set<string>();
      const tell = (uri: string, diagnostics: Diagnostic[]) => {
        if (diagnostics.length > 0) wrong.add(uri);
        this.#tell(uri, diagnostics);
      };
      const files = new Map<string, Loaded | undefined>();
      for (const loaded of applications) {
        const definitions = definitionDiagnostics(loaded, settings);
        for (const [uri, diagnostics] of definitions) tell(uri, diagnostics);
        for (const file of loaded.sourceFiles) {
          const source = this.workspace.source(file);
          if (source && !definitions.has(source.uri)) files.set(source.uri, loaded);
        }
      }
      for (const { uri } of this.workspace.documents) {
        if (isLua(uri) && !files.has(uri)) files.set(uri, await this.workspace.applicationOf(uri));
      }
      for (const [uri, loaded] of files) {
        // Requests come between files; a later round does the rest.
        await new Promise<void>((done) => this.platform.defer(done));
        if (this.#stopped || round !== this.#round) return;
        const path = pathOf(uri);
        const source = this.workspace.document(uri) ??
          (path === undefined ? undefined : this.workspace.source(path));
        if (source) tell(uri, codeDiagnostics(source, loaded, settings));
      }
      if (round !== this.#round) return;
      for (const uri of [...this.#told]) if (!wrong.has(uri)) this.#tell(uri, []);
    });
  }

  /** Files changed outside of the editor. */
  filesChanged(): void {
    this.workspace.forgetFiles();
    this.checkApplications();
  }

  /** Whether a document is of interest. */
  serves(uri: string): boolean {
    return isLua(uri) || isDefinition(uri) || uri.endsWith("wippy.lock");
  }
}
