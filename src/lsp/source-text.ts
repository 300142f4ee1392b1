import { TextDocument } from "vscode-languageserver-textdocument";
import type { Position, Range } from "vscode-languageserver";
import { parse, type Tree } from "../language/language.ts";
import type { Place } from "../language/scope.ts";

/** Characters of a text that is looked at: of a longer one, an answer would take seconds. */
const mostCharacters = 1_000_000;

/**
 * A text of one version, and what is made of it when it is asked for. An editor counts lines and UTF-16 units, the
 * language counts bytes.
 */
export class SourceText {
  #bytes: string | undefined;
  #tree: Tree | undefined;

  /** @param document what a client sent, or a file holds */
  constructor(readonly document: TextDocument) {}

  static of(uri: string, text: string): SourceText {
    return new SourceText(TextDocument.create(uri, "", 0, text));
  }

  get uri(): string {
    return this.document.uri;
  }

  get text(): string {
    return this.document.getText();
  }

  /** Whether the text is too long to be looked at. */
  get isTooLong(): boolean {
    return this.text.length > mostCharacters;
  }

  /** The text in UTF-8, a character per byte. */
  get bytes(): string {
    return this.#bytes ??= Buffer.from(this.text).toString("latin1");
  }

  /** The tree of the text, which is Lua. */
  get tree(): Tree {
    return this.#tree ??= parse(this.bytes);
  }

  #isAscii(): boolean {
    return this.bytes.length === this.text.length;
  }

  /** The offset in bytes of a position; one outside the text is moved into it. */
  byteAt(position: Position): number {
    const units = this.document.offsetAt(position);
    return this.#isAscii() ? units : Buffer.byteLength(this.text.slice(0, units));
  }

  /** The position of an offset in bytes. */
  positionAt(offset: number): Position {
    const units = this.#isAscii()
      ? offset
      : Buffer.from(this.bytes.slice(0, offset), "latin1").toString().length;
    return this.document.positionAt(units);
  }

  /** The range of a place, whose offsets are in bytes. */
  range({ start, end }: Place): Range {
    return { start: this.positionAt(start), end: this.positionAt(end) };
  }

  /** The text of a line up to a position, and behind it. */
  around({ line, character }: Position): { before: string; after: string } {
    const start = { line, character: 0 };
    const whole = this.document.getText({ start, end: { line: line + 1, character: 0 } });
    return {
      before: whole.slice(0, character),
      after: whole.slice(character).replace(/[\r\n]+$/, ""),
    };
  }
}
