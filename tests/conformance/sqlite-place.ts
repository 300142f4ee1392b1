import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProviderOptions } from "../../src/workflows/provider.ts";
import { checkJournal } from "../../src/workflows/providers/sqlite/offline/check.ts";
import {
  SqliteProvider,
  type SqliteProviderOptions,
} from "../../src/workflows/providers/sqlite/sqlite.ts";
import type { Place } from "./place.ts";

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "wippy-journal-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A journal file in a folder of its own. */
export class SqlitePlace implements Place {
  readonly path: string;
  readonly runsAhead: boolean;
  readonly #own: Partial<SqliteProviderOptions>;
  readonly #remove: () => void;

  /**
   * @param own options of this provider only.
   * @param path the file, which the caller removes; one in a temporary folder, unless given.
   */
  constructor(
    own: Partial<SqliteProviderOptions> = {},
    { path, runsAhead = false }: { path?: string; runsAhead?: boolean } = {},
  ) {
    this.#own = own;
    this.runsAhead = runsAhead;
    const folder = path === undefined ? temporaryFolder() : undefined;
    this.#remove = () => folder?.remove();
    this.path = path ?? `${folder?.path}/journal.db`;
  }

  provider(options: ProviderOptions): SqliteProvider {
    const earlyTasks = this.runsAhead ? 5 : 0;
    return new SqliteProvider({ earlyTasks, ...options, ...this.#own, path: this.path });
  }

  crashed(): SqlitePlace {
    const left = new SqlitePlace(this.#own, { runsAhead: this.runsAhead });
    for (const end of ["", "-wal"]) {
      if (existsSync(this.path + end)) copyFileSync(this.path + end, left.path + end);
    }
    return left;
  }

  faults(): string[] {
    return existsSync(this.path)
      ? checkJournal(this.path).faults.map(({ message }) => message)
      : [];
  }

  remove(): void {
    this.#remove();
  }
}
