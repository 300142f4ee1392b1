/** What a token is: its own text for keywords and operators. */
export type TokenKind = string;

const keywords: ReadonlyMap<string, TokenKind> = new Map(
  ("and break do else elseif end false for function goto if in local nil not or repeat return then " +
    "true until while").split(" ").map((word) => [word, word]),
);

/** A fault of the text. */
export interface Fault {
  /** Offsets in bytes. */
  start: number;
  end: number;
  message: string;
}

/** A comment, with its dashes. */
export interface Comment {
  start: number;
  end: number;
}

const [newline, carriageReturn, quote, backslash] = [10, 13, 34, 92];

/** Kinds of characters by code: 1 blank, 2 begins a name, 3 digit. */
const classes = new Uint8Array(256);
for (const code of [9, 10, 11, 12, 13, 32]) classes[code] = 1;
for (let code = 0; code < 128; code++) {
  if (/[A-Za-z_]/.test(String.fromCharCode(code))) classes[code] = 2;
  if (/[0-9]/.test(String.fromCharCode(code))) classes[code] = 3;
}

const label = /[ \t]*[A-Za-z_]\w*[ \t]*::/y;
const longOpening = /\[(=*)\[/y;
const simpleEscapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Operators of one character by its code, and of two by both: `first * 128 + second`. */
const singles: (string | undefined)[] = new Array(256).fill(undefined);
for (const char of "+-*/%^#&~|<>=(){}[];:,.?@!") singles[char.charCodeAt(0)] = char;
const pairs: (string | undefined)[] = new Array(128 * 128).fill(undefined);
for (const pair of "-> :: ?: .. == ~= <= >= << >> // !=".split(" ")) {
  pairs[pair.charCodeAt(0) * 128 + pair.charCodeAt(1)] = pair;
}

/**
 * Reads tokens of the dialect from a text in which each character is a byte. One token is current; `advance` goes to
 * the next. Faults are collected, and never thrown.
 */
export class Lexer {
  readonly text: string;
  readonly comments: Comment[] = [];
  readonly faults: Fault[] = [];
  /** Literals whose escapes only the dialect accepts, and what they are in Lua 5.4. */
  readonly foreignStrings: { start: number; end: number; text: string }[] = [];
  /** Whether anything in the text is no Lua 5.4, and was meant so. */
  typed = false;
  /** Kind, offsets and content of the current token: a name, a label, or the bytes of a string. */
  kind: TokenKind = "eof";
  start = 0;
  end = 0;
  value = "";
  /** Where the token before ended. */
  previousEnd = 0;

  constructor(text: string) {
    this.text = text;
    if (text.charCodeAt(0) === 35) {
      const end = text.indexOf("\n");
      this.end = end < 0 ? text.length : end;
    } else if (text.startsWith("\xef\xbb\xbf")) this.end = 3;
  }

  fault(message: string, start = this.start, end = this.end): void {
    this.faults.push({ start, end, message });
  }

  /** Whether there is a line break between the token before and this one. */
  onNewLine(): boolean {
    const found = this.text.indexOf("\n", this.previousEnd);
    return found >= 0 && found < this.start;
  }

  /** Cuts the first character off the current token, `>` off `>>` for example. */
  split(): void {
    this.start++;
    this.previousEnd = this.start;
    this.kind = this.text.slice(this.start, this.end);
  }

  advance(): void {
    const { text } = this;
    this.previousEnd = this.end;
    let at = this.end;
    for (;;) {
      while (classes[text.charCodeAt(at)] === 1) at++;
      if (text.charCodeAt(at) !== 45 || text.charCodeAt(at + 1) !== 45) break;
      at = this.#comment(at);
    }
    this.start = at;
    if (at >= text.length) {
      this.kind = "eof";
      this.start = this.end = text.length;
      return;
    }
    const code = text.charCodeAt(at);
    const cls = classes[code];
    if (cls === 2) {
      do at++; while (classes[text.charCodeAt(at)]! >= 2);
      this.end = at;
      const word = text.slice(this.start, at);
      // Keywords are short and in small letters.
      const keyword = code >= 97 && at - this.start <= 8 ? keywords.get(word) : undefined;
      if (keyword === undefined) {
        this.kind = "name";
        this.value = word;
      } else this.kind = keyword;
    } else if (cls === 3 || code === 46 && classes[text.charCodeAt(at + 1)] === 3) {
      this.#number(at);
    } else if (code === quote || code === 39) this.#string(at, code);
    else if (code === 91) this.#bracket(at);
    else this.#operator(at, code);
  }

  /** A look at the token after the current one; nothing changes. */
  peek(): { kind: TokenKind; value: string; start: number } {
    const { kind, start, end, value, previousEnd } = this;
    const comments = this.comments.length;
    const faults = this.faults.length;
    const strings = this.foreignStrings.length;
    this.advance();
    const next = { kind: this.kind, value: this.value, start: this.start };
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.value = value;
    this.previousEnd = previousEnd;
    this.comments.length = comments;
    this.faults.length = faults;
    this.foreignStrings.length = strings;
    return next;
  }

  #comment(start: number): number {
    const { text } = this;
    const long = this.#longEnd(start + 2, start, "comment");
    let end = long?.end;
    if (end === undefined) {
      end = text.indexOf("\n", start);
      if (end < 0) end = text.length;
    }
    this.comments.push({ start, end });
    return end;
  }

  /** The end of a long bracket that opens at `at`, and where its content is. */
  #longEnd(at: number, start: number, what: string) {
    longOpening.lastIndex = at;
    const opening = this.text.charCodeAt(at) === 91 ? longOpening.exec(this.text) : null;
    if (opening === null) return undefined;
    const closing = `]${opening[1]}]`;
    const found = this.text.indexOf(closing, longOpening.lastIndex);
    const from = longOpening.lastIndex;
    if (found >= 0) return { from, to: found, end: found + closing.length };
    const line = lineOf(this.text, start);
    const end = this.text.length;
    this.fault(`unfinished long ${what} (starting at line ${line}) near '<eof>'`, start, end);
    return { from, to: end, end };
  }

  #number(at: number): void {
    const { text } = this;
    const hexadecimal = text.charCodeAt(at) === 48 && (text.charCodeAt(at + 1) | 32) === 120;
    const exponent = hexadecimal ? 112 : 101;
    if (hexadecimal) at += 2;
    for (;;) {
      const code = text.charCodeAt(at);
      if ((code | 32) === exponent && /[+-]/.test(text.charAt(at + 1))) at += 2;
      else if (classes[code]! >= 2 || code === 46) at++;
      else break;
    }
    this.end = at;
    this.kind = "number";
    this.value = text.slice(this.start, at);
    const sound =
      /^(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/;
    if (!sound.test(this.value)) this.fault(`malformed number near '${this.value}'`);
  }

  #bracket(at: number): void {
    const long = this.#longEnd(at, at, "string");
    if (long === undefined) return this.#operator(at, 91);
    this.end = long.end;
    this.kind = "string";
    this.value = this.text.slice(long.from, long.to).replace(/^\r?\n/, "");
  }

  #string(at: number, delimiter: number): void {
    const { text, start } = this;
    let plain = true;
    for (at++;; at++) {
      const code = text.charCodeAt(at);
      if (code === delimiter) break;
      if (code === backslash) {
        plain = false;
        if (text.startsWith("z", at + 1)) {
          at++;
          while (classes[text.charCodeAt(at + 1)] === 1) at++;
        } else if (text.startsWith("\r\n", at + 1)) at += 2;
        else at++;
      } else if (code === newline || code === carriageReturn || at >= text.length) {
        this.end = Math.min(at, text.length);
        this.kind = "string";
        this.value = text.slice(start + 1, this.end);
        const near = at >= text.length ? "<eof>" : `'${this.#shown(start, this.end)}'`;
        this.fault(`unfinished string near ${near}`);
        return;
      }
    }
    this.end = at + 1;
    this.kind = "string";
    const inner = text.slice(start + 1, at);
    this.value = plain ? inner : this.#unescape(inner);
  }

  #shown(start: number, end: number): string {
    return this.text.slice(start, end);
  }

  /** The bytes of a literal: by Lua 5.4's rules, or by the dialect's where those refuse it. */
  #unescape(inner: string): string {
    if (
      /^(?:[^\\]|\\(?:[abfnrtv\\"'\n\rz]|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,8}\}|[0-9]))*$/.test(
        inner,
      )
    ) {
      return inner.replace(
        /\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]+)\}|z\s*|(\d{1,3})|(\r\n|[^]))/g,
        (_, hex, point, digits, char) => {
          if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
          if (point !== undefined) return utf8(parseInt(point, 16));
          if (digits !== undefined) return this.#byte(digits);
          if (char === undefined) return "";
          return char === "\r\n" ? "\n" : simpleEscapes[char] ?? char;
        },
      );
    }
    const value = inner.replace(
      /\\(?:(\d{1,3})|(\r\n|[^]))/g,
      (_, digits, char) =>
        digits !== undefined
          ? this.#byte(digits)
          : char === "\r\n"
          ? "\n"
          : simpleEscapes[char] ?? char,
    );
    const mark = this.text[this.start]!;
    const text = inner.replace(
      /\\(\d{1,3}|\r\n|[^])/g,
      (whole, char) => /^(?:[abfnrtv\\"'\n\r]|\d+|\r\n)$/.test(char) ? whole : char,
    );
    this.foreignStrings.push({ start: this.start, end: this.end, text: mark + text + mark });
    return value;
  }

  #byte(digits: string): string {
    if (Number(digits) > 255) this.fault(`decimal escape too large near '\\${digits}'`);
    return String.fromCharCode(Number(digits) & 255);
  }

  #operator(at: number, code: number): void {
    const { text } = this;
    const next = text.charCodeAt(at + 1);
    const pair = next < 128 && code < 128 ? pairs[code * 128 + next] : undefined;
    if (pair === undefined) {
      this.end = at + 1;
      this.kind = singles[code] ?? "unknown";
      return;
    }
    this.end = at + 2;
    this.kind = pair;
    if (pair === ".." && text.charCodeAt(at + 2) === 46) {
      this.end = at + 3;
      this.kind = "...";
    } else if (pair === "!=") {
      // The fault is told; what follows is read as it was meant.
      this.typed = true;
      this.fault("'!=' is no operator; write ~=");
      this.kind = "~=";
    } else if (pair === "::") {
      label.lastIndex = this.end;
      if (!label.test(text)) return;
      this.kind = "label";
      this.value = text.slice(this.end, label.lastIndex - 2).trim();
      this.end = label.lastIndex;
    }
  }
}

/** The line of an offset, from 1. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** The UTF-8 bytes of a code point, by Lua's rules: up to 2^31. */
function utf8(point: number): string {
  if (point < 0x80) return String.fromCharCode(point);
  let [rest, first, bytes] = [point, 0x3f, ""];
  do {
    bytes = String.fromCharCode(0x80 | (rest & 0x3f)) + bytes;
    rest = Math.floor(rest / 64);
    first >>= 1;
  } while (rest > first);
  return String.fromCharCode((~first << 1) & 0xff | rest) + bytes;
}
