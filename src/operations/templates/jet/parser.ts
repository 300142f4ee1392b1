import { parseExpression, type Words } from "./expressions.ts";
import { TemplateError } from "./failure.ts";
import { type Delimiters, type Piece, piecesOf, type Token } from "./lexer.ts";
import type { Assignment, Block, Expression, Parameter, Statement, Template } from "./tree.ts";

const deepest = 100;

/** Words that end the statements before them. */
const closing = new Set(["end", "else", "content", "catch"]);

/** Parses a template. @throws TemplateError */
export function parseTemplate(name: string, source: string, delimiters: Delimiters): Template {
  return new Parser(name, piecesOf(name, source, delimiters)).template();
}

/** Statements, and the action that ended them. */
interface Section {
  statements: Statement[];
  /** "" at the end of the template. */
  closed: string;
  words: ActionWords;
}

/** The words of one action, read one after the other. */
class ActionWords implements Words {
  at = 0;
  constructor(readonly template: string, readonly tokens: readonly Token[]) {}

  get token(): Token {
    return this.tokens[this.at]!;
  }

  is(text: string): boolean {
    const { kind } = this.token;
    return (kind === "sign" || kind === "name") && this.token.text === text;
  }

  take(text: string): boolean {
    const found = this.is(text);
    if (found) this.at++;
    return found;
  }

  expect(text: string): void {
    if (!this.take(text)) this.fail();
  }

  name(): string {
    if (this.token.kind !== "name") this.fail();
    return this.tokens[this.at++]!.text;
  }

  end(): void {
    if (this.token.kind !== "end") this.fail();
  }

  fail(reason?: string): never {
    const { kind, text, line } = this.token;
    const what = kind === "end" ? "end of the action" : JSON.stringify(text);
    throw new TemplateError(this.template, line, reason ?? `unexpected ${what}`);
  }
}

class Parser {
  #at = 0;
  #depth = 0;
  readonly #name: string;
  readonly #pieces: readonly Piece[];
  readonly #blocks = new Map<string, Block>();

  constructor(name: string, pieces: readonly Piece[]) {
    this.#name = name;
    this.#pieces = pieces;
  }

  template(): Template {
    const head = this.#head();
    const { statements, closed, words } = this.#section();
    if (closed !== "") words.fail(`unexpected {{ ${closed} }}`);
    return { name: this.#name, ...head, statements, blocks: this.#blocks };
  }

  /** `extends` and `import`, which stand before everything but blank text. */
  #head(): Pick<Template, "extends" | "imports"> {
    let parent: Template["extends"];
    const imports: Template["imports"] = [];
    for (; this.#at < this.#pieces.length; this.#at++) {
      const piece = this.#pieces[this.#at]!;
      if ("text" in piece) {
        if (piece.text.trim() === "") continue;
        break;
      }
      const words = new ActionWords(this.#name, piece.tokens);
      const word = words.token.kind === "name" ? words.token.text : "";
      if (word !== "extends" && word !== "import") break;
      words.at++;
      const name = this.#literal(words);
      if (word === "import") imports.push({ name, line: piece.line });
      else if (parent || imports.length > 0) words.fail("extends must be the first statement");
      else parent = { name, line: piece.line };
    }
    if (!parent && imports.length === 0) this.#at = 0;
    return { extends: parent, imports };
  }

  #literal(words: ActionWords): string {
    const { kind, value } = words.token;
    if (kind !== "string") words.fail("the name of a template is a string");
    words.at++;
    words.end();
    return value!;
  }

  /** Statements up to a word that closes them. */
  #section(): Section {
    if (++this.#depth > deepest) {
      const { line } = this.#pieces[this.#at] ?? { line: 1 };
      throw new TemplateError(this.#name, line, `statements nest deeper than ${deepest} levels`);
    }
    const statements: Statement[] = [];
    let words = new ActionWords(this.#name, [{ kind: "end", text: "", spaced: false, line: 1 }]);
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++]!;
      if ("text" in piece) {
        statements.push({ type: "text", ...piece });
        continue;
      }
      words = new ActionWords(this.#name, piece.tokens);
      const word = words.token.kind === "name" ? words.token.text : "";
      if (closing.has(word)) {
        words.at++;
        this.#depth--;
        return { statements, closed: word, words };
      }
      statements.push(...this.#action(words, word, piece.line));
    }
    this.#depth--;
    return { statements, closed: "", words };
  }

  /** The statements of a body that `end` closes. */
  #body(words: ActionWords, what: string): Statement[] {
    const section = this.#section();
    if (section.closed !== "end") words.fail(`${what} is not closed with {{ end }}`);
    section.words.end();
    return section.statements;
  }

  #action(words: ActionWords, word: string, line: number): Statement[] {
    switch (word) {
      case "if":
        words.at++;
        return [this.#if(words, line)];
      case "range":
        words.at++;
        return [this.#range(words, line)];
      case "block":
        words.at++;
        return [this.#block(words, line)];
      case "yield":
        words.at++;
        return [this.#yield(words, line)];
      case "include": {
        words.at++;
        const name = parseExpression(words);
        const context = words.token.kind === "end" ? undefined : parseExpression(words);
        words.end();
        return [{ type: "include", name, context, line }];
      }
      case "try":
        words.at++;
        words.end();
        return [this.#try(words, line)];
      case "return": {
        words.at++;
        const value = parseExpression(words);
        words.end();
        return [{ type: "return", value, line }];
      }
      case "extends":
      case "import":
        words.fail(`${word} must stand before everything else`);
    }
    if (words.token.kind === "end") return [];
    const first = this.#assignmentOrValue(words, line);
    const made: Statement[] = [];
    if ("targets" in first) {
      made.push({ type: "assign", assignment: first, line });
      if (words.take(";")) made.push({ type: "print", value: parseExpression(words), line });
    } else made.push({ type: "print", value: first, line });
    words.end();
    return made;
  }

  #assignmentOrValue(words: ActionWords, line: number): Assignment | Expression {
    const targets = [parseExpression(words)];
    while (words.take(",")) targets.push(parseExpression(words));
    const declares = words.is(":=");
    if (!declares && !words.is("=")) {
      if (targets.length > 1) words.fail();
      return targets[0]!;
    }
    words.at++;
    const named = targets.every(({ type }) => type === "name");
    if (declares && !named) words.fail("only names can be declared");
    const values: Expression[] = [];
    // What a range goes over stands in the place of the values.
    words.take("range");
    do values.push(parseExpression(words)); while (words.take(","));
    return { declares, targets, values, line };
  }

  #if(words: ActionWords, line: number): Statement {
    const first = this.#assignmentOrValue(words, line);
    let assignment: Assignment | undefined;
    let test: Expression;
    if ("targets" in first) {
      assignment = first;
      words.expect(";");
      test = parseExpression(words);
    } else test = first;
    words.end();
    const { statements: then, closed, words: next } = this.#section();
    const otherwise = closed === "else" ? this.#else(next, line) : undefined;
    if (closed === "end") next.end();
    else if (closed !== "else") words.fail("if is not closed with {{ end }}");
    return { type: "if", assignment, test, then, otherwise, line };
  }

  #else(words: ActionWords, line: number): Statement[] {
    const place = words.token.line;
    if (words.take("if")) {
      if (++this.#depth > deepest) {
        throw new TemplateError(this.#name, line, `else if follows more than ${deepest} others`);
      }
      const nested = this.#if(words, place);
      this.#depth--;
      return [nested];
    }
    words.end();
    return this.#body(words, "else");
  }

  #range(words: ActionWords, line: number): Statement {
    const first = this.#assignmentOrValue(words, line);
    words.end();
    const assignment = "targets" in first ? first : undefined;
    if (assignment && (assignment.values.length !== 1 || assignment.targets.length > 2)) {
      words.fail("range assigns to a key and a value");
    }
    const over = "targets" in first ? first.values[0]! : first;
    const { statements: body, closed, words: next } = this.#section();
    let otherwise: Statement[] | undefined;
    if (closed === "else") {
      next.end();
      otherwise = this.#body(words, "else");
    } else if (closed === "end") next.end();
    else words.fail("range is not closed with {{ end }}");
    return { type: "range", assignment, over, body, otherwise, line };
  }

  #parameters(words: ActionWords): Parameter[] {
    const found: Parameter[] = [];
    if (!words.take("(")) return found;
    while (!words.is(")")) {
      const name = words.name();
      found.push({ name, value: words.take("=") ? parseExpression(words) : undefined });
      if (!words.take(",")) break;
    }
    words.expect(")");
    return found;
  }

  #block(words: ActionWords, line: number): Statement {
    const name = words.name();
    if (closing.has(name) || name === "yield") words.fail(`a block cannot be named ${name}`);
    const parameters = this.#parameters(words);
    const context = words.token.kind === "end" ? undefined : parseExpression(words);
    words.end();
    const { statements: body, closed, words: next } = this.#section();
    next.end();
    let content: Statement[] | undefined;
    if (closed === "content") content = this.#body(words, "the content of a block");
    else if (closed !== "end") words.fail("block is not closed with {{ end }}");
    const block = { name, parameters, context, body, content, line };
    this.#blocks.set(name, block);
    return { type: "block", block, line };
  }

  #yield(words: ActionWords, line: number): Statement {
    if (words.take("content")) {
      const context = words.token.kind === "end" ? undefined : parseExpression(words);
      words.end();
      return { type: "yield content", context, line };
    }
    const name = words.name();
    const given = this.#parameters(words);
    const missing = given.find(({ value }) => value === undefined);
    if (missing) words.fail(`the argument ${missing.name} has no value`);
    const context = words.token.kind === "end" || words.is("content")
      ? undefined
      : parseExpression(words);
    const content = words.take("content") ? this.#contentOf(words) : undefined;
    words.end();
    return { type: "yield", name, arguments: given, context, content, line };
  }

  #contentOf(words: ActionWords): Statement[] {
    words.end();
    return this.#body(words, "the content of a yield");
  }

  #try(words: ActionWords, line: number): Statement {
    const { statements: body, closed, words: next } = this.#section();
    if (closed === "end") {
      next.end();
      return { type: "try", body, error: undefined, handler: undefined, line };
    }
    if (closed !== "catch") words.fail("try is not closed with {{ end }}");
    const error = next.token.kind === "name" ? next.name() : undefined;
    next.end();
    return { type: "try", body, error, handler: this.#body(words, "catch"), line };
  }
}
