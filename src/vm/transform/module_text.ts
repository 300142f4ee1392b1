/** A place in the module's text that the transform changes. */
export interface Site {
  /** How the build names the site when it does not match. */
  readonly name: string;
  /** The function it lies in, by the names of `symbols.ts`. */
  readonly inside: string;
  /** WebAssembly text to find. White space does not matter; `?x` stands for any one expression. */
  readonly find: string;
  /** What replaces it; `?x` is what the same name stood for in `find`. */
  readonly put: string;
  /** How often it must be there, 1 unless given. */
  readonly times?: number;
}

/** The input is not what the transform was written for; the message names the site. */
export class TransformError extends Error {
  constructor(readonly site: string, reason: string) {
    super(
      `the Lua VM's transform does not fit its input at "${site}": ${reason}. ` +
        "The transform is written for one exact wasm and one exact binaryen; " +
        "restore the versions that bun.lock pins.",
    );
    this.name = "TransformError";
  }
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+/g)) {
    tokens.push({ text: match[0], start: match.index, end: match.index + match[0].length });
  }
  return tokens;
}

/** Index behind the expression that starts at `at`. */
function endOfExpression(tokens: readonly Token[], at: number): number {
  if (tokens[at]?.text !== "(") return at + 1;
  let depth = 0;
  for (let i = at; i < tokens.length; i++) {
    if (tokens[i]!.text === "(") depth++;
    if (tokens[i]!.text === ")" && --depth === 0) return i + 1;
  }
  return tokens.length;
}

interface Match {
  readonly start: number;
  readonly end: number;
  readonly bound: ReadonlyMap<string, string>;
}

function matchAt(
  source: string,
  tokens: readonly Token[],
  at: number,
  pattern: readonly Token[],
): Match | undefined {
  const bound = new Map<string, string>();
  let i = at;
  for (const { text } of pattern) {
    if (i >= tokens.length) return undefined;
    if (text.startsWith("?")) {
      const end = endOfExpression(tokens, i);
      const expression = source.slice(tokens[i]!.start, tokens[end - 1]!.end);
      const before = bound.get(text);
      if (before !== undefined && before !== expression) return undefined;
      bound.set(text, expression);
      i = end;
    } else if (tokens[i]!.text === text) {
      i++;
    } else {
      return undefined;
    }
  }
  return { start: tokens[at]!.start, end: tokens[i - 1]!.end, bound };
}

/**
 * A WebAssembly module as binaryen prints it, cut into its top-level fields so that a site is
 * looked for in one function only.
 */
export class ModuleText {
  readonly #fields: string[];
  readonly #functions = new Map<string, number>();

  constructor(text: string) {
    const body = text.slice(text.indexOf("\n") + 1, text.lastIndexOf(")"));
    this.#fields = body.split(/^(?= \()/m);
    this.#fields.forEach((field, index) => {
      const name = /^ \(func (\$\S+)/.exec(field)?.[1];
      if (name !== undefined) this.#functions.set(name, index);
    });
  }

  /** The text of a function. Throws a TransformError when there is none of that name. */
  function(name: string): string {
    const index = this.#functions.get(`$${name}`);
    if (index === undefined) throw new TransformError(name, "there is no such function");
    return this.#fields[index]!;
  }

  /** Replaces what a site names. Throws a TransformError unless it matches as often as it must. */
  change(site: Site): void {
    const source = this.function(site.inside);
    const tokens = tokenize(source);
    const pattern = tokenize(site.find);
    const matches: Match[] = [];
    for (let at = 0; at < tokens.length; at++) {
      const match = matchAt(source, tokens, at, pattern);
      if (match !== undefined) matches.push(match);
    }
    const times = site.times ?? 1;
    if (matches.length !== times) {
      const found = `it matches ${matches.length} times in ${site.inside}, not ${times}`;
      throw new TransformError(site.name, found);
    }
    let changed = "";
    let done = 0;
    for (const { start, end, bound } of matches) {
      const put = site.put.replaceAll(/\?\w+/g, (name) => bound.get(name) ?? name);
      changed += source.slice(done, start) + put;
      done = end;
    }
    this.#set(site.inside, changed + source.slice(done));
  }

  /** The globals that change, with what they are at first. */
  globals(): { name: string; initial: string }[] {
    return this.#fields.flatMap((field) => {
      const found = /^ \(global (\$\S+) \(mut \w+\) (\(\w+\.const [^()]+\))\)\s*$/.exec(field);
      if (found === null && /^ \(global .*\(mut /.test(field)) {
        throw new TransformError("globals", `cannot read ${field.trim()}`);
      }
      const [, name = "", initial = ""] = found ?? [];
      return found ? [{ name, initial }] : [];
    });
  }

  /** Replaces what is found in any function; `times` in all of them. */
  changeEverywhere({ name, find, put, times }: Omit<Required<Site>, "inside">): void {
    let found = 0;
    const pattern = tokenize(find);
    const rare = pattern.map(({ text }) => text).filter((text) => !text.startsWith("?"))
      .reduce((longest, text) => text.length > longest.length ? text : longest);
    // Also what is found within an expression that the pattern binds.
    const changed = (source: string): string => {
      if (!source.includes(rare)) return source;
      const tokens = tokenize(source);
      let text = "";
      let done = 0;
      for (let at = 0; at < tokens.length; at++) {
        if (tokens[at]!.start < done) continue;
        const match = matchAt(source, tokens, at, pattern);
        if (match === undefined) continue;
        found++;
        text += source.slice(done, match.start) +
          put.replaceAll(/\?\w+/g, (each) => changed(match.bound.get(each) ?? each));
        done = match.end;
      }
      return text + source.slice(done);
    };
    for (const [inside, index] of this.#functions) {
      this.#set(inside.slice(1), changed(this.#fields[index]!));
    }
    if (found !== times) throw new TransformError(name, `it matches ${found} times, not ${times}`);
  }

  /** Names of the functions that have a loop, without the `$`. */
  looping(): string[] {
    return [...this.#functions.keys()].map((name) => name.slice(1))
      .filter((name) => this.function(name).includes("(loop "));
  }

  /**
   * Puts `payment` before every jump back to the beginning of a loop, so that each further round pays.
   *
   * @param except labels of loops that pay otherwise
   * @returns how many jumps there are
   */
  payPerRound(inside: string, payment: string, except: readonly string[] = []): number {
    const source = this.function(inside);
    const labels = new Set<string>();
    for (const [, label = ""] of source.matchAll(/\(loop (\$\S+)/g)) {
      if (!except.includes(label)) labels.add(label);
    }
    const tokens = tokenize(source);
    const inserted: { at: number; text: string }[] = [];
    let jumps = 0;
    tokens.forEach(({ text }, i) => {
      const [open, label, condition] = [tokens[i - 1], tokens[i + 1], tokens[i + 2]];
      if (open?.text !== "(" || label === undefined || condition === undefined) return;
      if (text === "br" && labels.has(label.text)) {
        inserted.push({ at: open.start, text: `(block ${payment} ` });
        inserted.push({ at: condition.end, text: ")" });
        jumps++;
      } else if (text === "br_if" && labels.has(label.text)) {
        const last = tokens[endOfExpression(tokens, i + 2) - 1];
        if (last === undefined) return;
        inserted.push({ at: condition.start, text: `(block (result i32) ${payment} ` });
        inserted.push({ at: last.end, text: ")" });
        jumps++;
      } else if (text === "br_table") {
        // Which way it goes is known only behind it: each of its rounds pays, also the last.
        for (let at = i + 1; tokens[at]?.text.startsWith("$"); at++) {
          if (!labels.has(tokens[at]?.text ?? "")) continue;
          inserted.push({ at: open.start, text: `(block ${payment} ` });
          const last = tokens[endOfExpression(tokens, i - 1) - 1];
          if (last === undefined) return;
          inserted.push({ at: last.end, text: ")" });
          jumps++;
          break;
        }
      }
    });
    let changed = "";
    let done = 0;
    for (const { at, text } of inserted.sort((a, b) => a.at - b.at)) {
      changed += source.slice(done, at) + text;
      done = at;
    }
    this.#set(inside, changed + source.slice(done));
    return jumps;
  }

  /** Replaces a whole function, which must be there. */
  replaceFunction(name: string, text: string): void {
    this.function(name);
    this.#set(name, ` ${text.trim()}\n`);
  }

  /** Replaces the one top-level field that starts like `start`; "" removes it. */
  changeField(name: string, start: RegExp, put: (field: string) => string): void {
    const found = this.#fields.flatMap((field, index) => start.test(field) ? [index] : []);
    if (found.length !== 1) {
      throw new TransformError(name, `${found.length} fields of the module match, not 1`);
    }
    this.#fields[found[0]!] = put(this.#fields[found[0]!]!);
  }

  /** Puts fields at the module's end (functions, globals, exports, data). */
  append(text: string): void {
    const name = /^\(func (\$\S+)/.exec(text.trim())?.[1];
    if (name !== undefined) this.#functions.set(name, this.#fields.length);
    this.#fields.push(` ${text.trim()}\n`);
  }

  toString(): string {
    return `(module\n${this.#fields.join("")})\n`;
  }

  #set(name: string, text: string): void {
    this.#fields[this.#functions.get(`$${name}`)!] = text;
  }
}
