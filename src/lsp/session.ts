import {
  type Connection,
  type Diagnostic,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
} from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { CheckSyntax } from "../app/validation.ts";
import { withSyntaxCheck } from "../app/syntax-check.ts";
import { machine } from "../platform/machine.ts";
import type { Platform } from "../platform/platform.ts";
import { applicationDiagnostics, codeDiagnostics } from "./diagnostics.ts";
import { isDefinition, isLua, Workspace } from "./workspace.ts";

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
  #rules = true;
  #stopped = false;

  constructor(readonly connection: Connection, readonly platform: Platform = machine) {}

  initialize({ workspaceFolders, rootUri, capabilities, initializationOptions }: InitializeParams) {
    const folders = workspaceFolders?.map(({ uri }) => uri) ?? (rootUri ? [rootUri] : []);
    for (const uri of folders) this.workspace.addFolder(uri);
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

  /** Has files watched, and tells what is wrong. */
  begin(): void {
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
      const source = this.workspace.document(uri);
      if (source) this.#tell(uri, codeDiagnostics(source, loaded, this.#settings(checkSyntax)));
    });
  }

  async #checkApplications(): Promise<void> {
    const applications = await this.workspace.applications();
    await withSyntaxCheck((checkSyntax) => {
      const found = new Map<string, Diagnostic[]>();
      const settings = this.#settings(checkSyntax);
      for (const loaded of applications) {
        for (const [uri, diagnostics] of applicationDiagnostics(loaded, settings)) {
          found.set(uri, diagnostics);
        }
      }
      for (const source of this.workspace.documents) {
        const { uri } = source;
        if (!isLua(uri) || found.has(uri)) continue;
        const loaded = applications.find((each) => uri.startsWith(`file://${each.directory}/`));
        found.set(uri, codeDiagnostics(source, loaded, settings));
      }
      for (const uri of this.#told) if (!found.has(uri)) found.set(uri, []);
      for (const [uri, diagnostics] of found) this.#tell(uri, diagnostics);
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
