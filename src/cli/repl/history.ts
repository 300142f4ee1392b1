import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { historyLimit } from "./input.ts";

/** The lines of earlier sessions, in a file that only its owner may read. What cannot be kept is not kept. */
export class History {
  readonly #path: string;
  #last = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines, oldest first; a file that has grown to twice the limit is cut to it. */
  load(): string[] {
    let all: string[];
    try {
      all = readFileSync(this.#path, "utf8").split("\n").filter((line) => line !== "");
    } catch {
      return [];
    }
    const lines = all.slice(-historyLimit);
    if (all.length > 2 * historyLimit) {
      try {
        writeFileSync(this.#path, `${lines.join("\n")}\n`, { mode: 0o600 });
      } catch {
        // It stays as long as it is.
      }
    }
    return lines;
  }

  /** Adds a line, unless it says what the last one said. */
  add(line: string): void {
    if (line.trim() === "" || line === this.#last) return;
    this.#last = line;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600 });
    } catch {
      // A session without history is better than none.
    }
  }
}
