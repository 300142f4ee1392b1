import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { WippyError } from "../vm/error.ts";
import type { fileStorage } from "../registry/kinds/environment.ts";
import { parseEnvText, readEnvFile, setInEnvText, writeEnvFile } from "./env-file.ts";

/** Keeps environment variables by key. */
export interface Storage {
  /** The value, or `undefined` when there is none. Throws WippyError when it cannot be read. */
  get(key: string): string | undefined;
  /** Throws WippyError PermissionDenied when the storage is read-only. */
  set(key: string, value: string): void;
  /** Every key with its value. */
  all(): ReadonlyMap<string, string>;
}

function readOnly(): never {
  throw new WippyError("PermissionDenied", "storage is read-only", { retryable: false });
}

/** Variables that live as long as the runtime. */
export function createMemoryStorage(): Storage {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    all: () => values,
  };
}

/** Fixed variables. */
export function createStaticStorage(values: Readonly<Record<string, string>>): Storage {
  const map = new Map(Object.entries(values));
  return { get: (key) => map.get(key), set: readOnly, all: () => map };
}

/** The variables of the operating system. */
export function createOsStorage(system: Readonly<Record<string, string | undefined>>): Storage {
  const all = () =>
    new Map(
      Object.entries(system).filter((pair): pair is [string, string] => pair[1] !== undefined),
    );
  return { get: (key) => system[key], set: readOnly, all };
}

/** A file of `KEY=VALUE` lines, read again for every look-up. */
export function createFileStorage(
  options: z.output<typeof fileStorage.schema>,
  directory: string,
): Storage {
  const path = resolve(directory, options.file_path);
  function attempt<Result>(what: string, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof WippyError) throw error;
      const message = `cannot ${what} ${options.file_path}: ${(error as Error).message}`;
      const denied = ["EACCES", "EPERM", "EROFS"].includes(
        (error as NodeJS.ErrnoException).code ?? "",
      );
      throw new WippyError(denied ? "PermissionDenied" : "Internal", message, {
        retryable: false,
        cause: error,
      });
    }
  }
  const all = () => attempt("read", () => parseEnvText(readEnvFile(path)));
  return {
    get: (key) => all().get(key),
    set: (key, value) =>
      attempt("write", () => {
        if (/[\n\r#]/.test(value)) {
          const message = "a value in an environment file cannot hold # or a line break";
          throw new WippyError("Invalid", message, { retryable: false });
        }
        if (!options.auto_create && !existsSync(path)) {
          const message = `environment file not found: ${options.file_path}`;
          throw new WippyError("NotFound", message, { retryable: false });
        }
        const text = setInEnvText(readEnvFile(path), key, value);
        writeEnvFile(path, text, options.file_mode, options.dir_mode);
      }),
    all,
  };
}

/** Reads from the first storage that has the key; writes to `first`. */
export function createRouterStorage(first: Storage, others: readonly Storage[]): Storage {
  const storages = [first, ...others];
  return {
    get(key) {
      for (const storage of storages) {
        const value = storage.get(key);
        if (value !== undefined) return value;
      }
      return undefined;
    },
    set: (key, value) => first.set(key, value),
    all: () => new Map(storages.toReversed().flatMap((storage) => [...storage.all()])),
  };
}
