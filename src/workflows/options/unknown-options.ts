import type { LuaValue } from "../../vm/value.ts";
import { unknownOptions } from "./option-table.ts";

/** Warnings that are remembered: a program that makes up names must not fill the memory. */
const most = 1000;

/** Warns of options that are ignored, of each once. */
export class UnknownOptions {
  readonly #warned = new Set<string>();
  readonly #warn: (message: string) => void;

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** @param options a table as Lua code wrote it */
  check(options: LuaValue): void {
    for (const message of unknownOptions(options)) {
      if (this.#warned.has(message) || this.#warned.size >= most) continue;
      this.#warned.add(message);
      this.#warn(message);
    }
  }
}
