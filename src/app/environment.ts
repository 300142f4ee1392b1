import { WippyError } from "../vm/error.ts";
import { decodeEntry } from "../registry/decode.ts";
import { type Entry, qualify } from "../registry/entry.ts";
import {
  fileStorage,
  memoryStorage,
  osStorage,
  routerStorage,
  staticStorage,
  variable,
} from "../registry/kinds/environment.ts";
import type { Variables } from "../registry/placeholder.ts";
import {
  createFileStorage,
  createMemoryStorage,
  createOsStorage,
  createRouterStorage,
  createStaticStorage,
  type Storage,
} from "./storage.ts";

/** What the variables are made from. */
export interface EnvironmentOptions {
  /** Relative paths of file storages start here. */
  directory: string;
  /** The variables of the operating system. */
  system: Readonly<Record<string, string | undefined>>;
  /** Told of what is written to memory, so that the other workers' environments can `mirror` it. */
  onMemoryWrite?: (storage: string, key: string, value: string) => void;
}

/** The environment variables of an application: `env.variable` entries on `env.storage.*` entries. */
export class Environment implements Variables {
  readonly #entries = new Map<string, Entry>();
  readonly #publicNames = new Map<string, Entry>();
  readonly #storages = new Map<string, Storage>();
  /** The storages in memory, without what tells of writes. */
  readonly #memories = new Map<string, Storage>();
  /** What is being read or made: a placeholder may lead back to itself. */
  readonly #inProgress = new Set<string>();

  /** @param entries those of kinds `env.*` count, others are skipped */
  constructor(entries: Iterable<Entry>, readonly options: EnvironmentOptions) {
    for (const entry of entries) {
      if (!entry.kind.startsWith("env.")) continue;
      this.#entries.set(entry.id, entry);
      const name = entry.data["variable"];
      const isPublic = entry.kind === variable.name && typeof name === "string" && name !== "";
      if (isPublic && !this.#publicNames.has(name)) this.#publicNames.set(name, entry);
    }
  }

  #find(key: string, namespace: string): Entry | undefined {
    const byName = this.#publicNames.get(key);
    if (byName !== undefined) return byName;
    const entry = this.#entries.get(qualify(key, namespace));
    return entry?.kind === variable.name ? entry : undefined;
  }

  #storage(id: string): Storage {
    const present = this.#storages.get(id);
    if (present !== undefined) return present;
    const entry = this.#entries.get(id);
    if (entry === undefined || this.#inProgress.has(id)) {
      throw new WippyError("NotFound", `environment storage backend not found: ${id}`, {
        retryable: false,
      });
    }
    this.#inProgress.add(id);
    try {
      const storage = this.#open(entry);
      this.#storages.set(id, storage);
      return storage;
    } finally {
      this.#inProgress.delete(id);
    }
  }

  #open(entry: Entry): Storage {
    switch (entry.kind) {
      case memoryStorage.name:
        return this.#memory(entry.id);
      case osStorage.name:
        return createOsStorage(this.options.system);
      case staticStorage.name:
        return createStaticStorage(decodeEntry(staticStorage, entry, this).values);
      case fileStorage.name:
        return createFileStorage(decodeEntry(fileStorage, entry, this), this.options.directory);
      case routerStorage.name: {
        const [first, ...others] = decodeEntry(routerStorage, entry, this).storages
          .map((id) => this.#storage(id));
        // The schema wants at least one.
        if (!first) throw new WippyError("Invalid", `${entry.id} has no storages`);
        return createRouterStorage(first, others);
      }
      default:
        throw new WippyError("NotFound", `${entry.id} is not an environment storage`, {
          retryable: false,
        });
    }
  }

  #memory(id: string): Storage {
    const storage = createMemoryStorage();
    this.#memories.set(id, storage);
    const { onMemoryWrite } = this.options;
    if (onMemoryWrite === undefined) return storage;
    return {
      ...storage,
      set: (key, value) => {
        storage.set(key, value);
        onMemoryWrite(id, key, value);
      },
    };
  }

  /** Takes over what another worker wrote to a storage in memory. */
  mirror(storage: string, key: string, value: string): void {
    this.#storage(storage);
    this.#memories.get(storage)?.set(key, value);
  }

  has(key: string, namespace: string): boolean {
    return this.#find(key, namespace) !== undefined;
  }

  lookup(key: string, namespace: string): string | undefined {
    const entry = this.#find(key, namespace);
    if (entry === undefined) return undefined;
    if (this.#inProgress.has(entry.id)) {
      throw new WippyError("Invalid", `environment variable ${key} refers to itself`, {
        retryable: false,
      });
    }
    this.#inProgress.add(entry.id);
    try {
      const settings = decodeEntry(variable, entry, this);
      const value = this.#storage(settings.storage).get(settings.variable || entry.id);
      // An empty text counts as unset, in a storage and as a default.
      return value || settings.default || undefined;
    } finally {
      this.#inProgress.delete(entry.id);
    }
  }

  /**
   * The value of a variable, its default included.
   *
   * @param key a public name, an identifier, or a bare entry name of the caller's namespace
   * @throws WippyError Invalid (empty key), NotFound (unknown or unset)
   */
  get(key: string, namespace: string): string {
    if (key === "") throw new WippyError("Invalid", "empty key", { retryable: false });
    const value = this.lookup(key, namespace);
    if (value !== undefined) return value;
    const message = "get environment variable failed: environment variable not found";
    throw new WippyError("NotFound", message, { retryable: false });
  }

  /**
   * Stores the value of a variable that exists.
   *
   * @throws WippyError Invalid (empty key), NotFound (unknown), PermissionDenied (read-only)
   */
  set(key: string, value: string, namespace: string): void {
    if (key === "") throw new WippyError("Invalid", "empty key", { retryable: false });
    const entry = this.#find(key, namespace);
    const failure = "set environment variable failed";
    if (entry === undefined) {
      const message = `${failure}: environment variable not found`;
      throw new WippyError("NotFound", message, { retryable: false });
    }
    const settings = decodeEntry(variable, entry, this);
    if (settings.readonly) {
      const message = `${failure}: environment variable is read-only`;
      throw new WippyError("PermissionDenied", message, { retryable: false });
    }
    try {
      this.#storage(settings.storage).set(settings.variable || entry.id, value);
    } catch (error) {
      if (!(error instanceof WippyError)) throw error;
      throw new WippyError(error.kind, `${failure}: ${error.message}`, {
        retryable: false,
        cause: error,
      });
    }
  }

  /** The raw contents of every storage under the storages' own keys, without defaults. */
  all(): Record<string, string> {
    const values: Record<string, string> = {};
    for (const entry of this.#entries.values()) {
      if (!entry.kind.startsWith("env.storage.")) continue;
      for (const [key, value] of this.#storage(entry.id).all()) values[key] = value;
    }
    return values;
  }
}
