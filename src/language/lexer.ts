/** What a token is: its own text for keywords and operators. */
export type TokenKind = string;

// Kinds are literals here as they are in the parser, so that two are compared by their addresses.
// deno-fmt-ignore
const keywords: readonly TokenKind[] = [
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];
// deno-fmt-ignore
const characters: readonly TokenKind[] = [
  "+", "-", "*", "/", "%", "^", "#", "&", "~", "|", "<", ">", "=", "(", ")", "{", "}", "[", "]",
  ";", ":", ",", ".", "?", "@", "!",
];
// deno-fmt-ignore
const pairsOfCharacters: readonly TokenKind[] = [
  "->", "::", "?:", "..", "==", "~=", "<=", ">=", "<<", ">>", "//", "!=",
];

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

const newline = 10;
const carriageReturn = 13;
const quote = 34;
const backslash = 92;

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

/** Operators of one character by its code, and of two by both: `first * 64 + second`. */
const singles: (string | undefined)[] = new Array(256).fill(undefined);
for (const char of characters) singles[char.charCodeAt(0)] = char;
const pairs: (string | undefined)[] = new Array(128 * 64).fill(undefined);
for (const pair of pairsOfCharacters) {
  pairs[pair.charCodeAt(0) * 64 + pair.charCodeAt(1)] = pair;
}

/**
 * Words that were read, each in the place that its letters lead to, and their kinds: a text has few words that it did
 * not have before, and a string that is there already costs nothing. A new word takes the place of an old one.
 */
const places = 4096;
const words: string[] = new Array(places).fill("");
const wordKinds: TokenKind[] = new Array(places).fill("name");
/** Their first four bytes, and the four behind those. */
const heads = new Int32Array(places);
const tails = new Int32Array(places);
/** Words that are longer are not kept. */
const longestKept = 32;
const kindOf: ReadonlyMap<string, TokenKind> = new Map(keywords.map((word) => [word, word]));

/**
 * Reads tokens of the dialect from a text in which each character is a byte. One token is current; `advance` goes to
 * the next. Faults are collected, and never thrown.
 */
export class Lexer {
  readonly text: string;
  /** The text, and zeros behind it: what is read there is in no class. */
  readonly #bytes: Buffer;
  readonly #view: DataView;
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
  /** The first byte of the current token. */
  code = 0;
  /** Where the token before ended. */
  previousEnd = 0;

  constructor(text: string) {
    this.text = text;
    this.#bytes = Buffer.allocUnsafeSlow(text.length + 8).fill(0, text.length);
    this.#bytes.write(text, "latin1");
    this.#view = new DataView(this.#bytes.buffer);
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
    const bytes = this.#bytes;
    for (let at = this.previousEnd; at < this.start; at++) if (bytes[at] === newline) return true;
    return false;
  }

  /** Cuts the first character off the current token, `>` off `>>` for example. */
  split(): void {
    this.start++;
    this.previousEnd = this.start;
    this.code = this.#bytes[this.start]!;
    this.kind = this.text.slice(this.start, this.end);
  }

  advance(): void {
    const bytes = this.#bytes;
    let at = this.end;
    this.previousEnd = at;
    let code = bytes[at]!;
    for (;;) {
      while (classes[code] === 1) code = bytes[++at]!;
      if (code !== 45 || bytes[at + 1] !== 45) break;
      at = this.#comment(at);
      code = bytes[at]!;
    }
    this.start = at;
    this.code = code;
    const cls = classes[code];
    if (cls === 2) this.#word(at);
    else if (cls === 3 || code === 46 && classes[bytes[at + 1]!] === 3) this.#number(at);
    else if (code === quote || code === 39) this.#string(at, code);
    else if (code === 91) this.#bracket(at);
    else if (code === 0 && at >= this.text.length) {
      this.kind = "eof";
      this.start = this.end = this.text.length;
    } else this.#operator(at, code);
  }

  #word(start: number): void {
    const bytes = this.#bytes;
    let at = start + 1;
    while (classes[bytes[at]!]! >= 2) at++;
    this.end = at;
    const length = at - start;
    const head = this.#four(start, length);
    const tail = this.#four(start + 4, length - 4);
    const mixed = Math.imul(Math.imul(head, 0x9e3779b1) ^ tail, 0x85ebca6b) + length;
    const place = mixed >>> 20;
    if (heads[place] === head && tails[place] === tail) {
      const known = words[place]!;
      if (length < 8 || this.#isAt(known, start, length)) {
        this.value = known;
        this.kind = wordKinds[place]!;
        return;
      }
    }
    // A string of its own: part of the text would keep all of the text.
    const word = bytes.latin1Slice(start, at);
    const kind = kindOf.get(word) ?? "name";
    if (length <= longestKept) {
      words[place] = word;
      wordKinds[place] = kind;
      heads[place] = head;
      tails[place] = tail;
    }
    this.value = word;
    this.kind = kind;
  }

  /** Whether a text is a word whose first eight letters it has. */
  #isAt(known: string, start: number, length: number): boolean {
    if (known.length !== length) return false;
    let same = 8;
    while (same < length && known.charCodeAt(same) === this.#bytes[start + same]) same++;
    return same === length;
  }

  /** Up to four bytes in one number. */
  #four(at: number, length: number): number {
    if (length <= 0) return 0;
    const all = this.#view.getInt32(at, true);
    return length >= 4 ? all : all & (1 << 8 * length) - 1;
  }

  /** Whether the next token is `=`. */
  protected isFollowedByEquals(): boolean {
    const bytes = this.#bytes;
    let at = this.end;
    while (classes[bytes[at]!] === 1) at++;
    if (bytes[at] === 45 && bytes[at + 1] === 45) return this.peek().kind === "=";
    return bytes[at] === 61 && bytes[at + 1] !== 61;
  }

  /** A look at the token after the current one; nothing changes. */
  peek(): { kind: TokenKind; value: string; start: number } {
    const { kind, start, end, value, code, previousEnd } = this;
    const comments = this.comments.length;
    const faults = this.faults.length;
    const strings = this.foreignStrings.length;
    this.advance();
    const next = { kind: this.kind, value: this.value, start: this.start };
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.value = value;
    this.code = code;
    this.previousEnd = previousEnd;
    this.comments.length = comments;
    this.faults.length = faults;
    this.foreignStrings.length = strings;
    return next;
  }

  #comment(start: number): number {
    const { text } = this;
    const long = this.#bytes[start + 2] === 91
      ? this.#longEnd(start + 2, start, "comment")
      : undefined;
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
    const opening = longOpening.exec(this.text);
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
    const bytes = this.#bytes;
    const hexadecimal = bytes[at] === 48 && (bytes[at + 1]! | 32) === 120;
    const exponent = hexadecimal ? 112 : 101;
    if (hexadecimal) at += 2;
    let digitsOnly = !hexadecimal;
    for (;;) {
      const code = bytes[at]!;
      if (classes[code] === 3) {
        at++;
        continue;
      }
      if (classes[code] !== 2 && code !== 46) break;
      digitsOnly = false;
      const next = bytes[at + 1];
      if ((code | 32) === exponent && (next === 43 || next === 45)) at += 2;
      else at++;
    }
    this.end = at;
    this.kind = "number";
    this.value = this.text.slice(this.start, at);
    if (digitsOnly) return;
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
    const bytes = this.#bytes;
    let plain = true;
    for (at++;; at++) {
      const code = bytes[at]!;
      if (code === delimiter) break;
      if (code > backslash) continue;
      if (code === backslash) {
        plain = false;
        at++;
        if (bytes[at] === 122) { while (classes[bytes[at + 1]!] === 1) at++; }
        else if (bytes[at] === carriageReturn && bytes[at + 1] === newline) at++;
      } else if (code === newline || code === carriageReturn || code === 0 && at >= text.length) {
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
    const bytes = this.#bytes;
    const next = bytes[at + 1]!;
    const pair = next < 64 && code < 128 ? pairs[code * 64 + next] : undefined;
    if (pair === undefined) {
      this.end = at + 1;
      this.kind = singles[code] ?? "unknown";
      return;
    }
    this.end = at + 2;
    this.kind = pair;
    if (pair === ".." && bytes[at + 2] === 46) {
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
