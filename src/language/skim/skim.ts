/**
 * Turns a text into Lua 5.4 without a tree of it: half of the time that parsing takes is spent on nodes that erasing
 * never looks at.
 * @module
 */
import { type DeclaredType, describeTypes } from "../describe.ts";
import { castsOnly, eraseParts } from "../erase.ts";
import { closes } from "../parser.ts";
import {
  called,
  ExpressionSkimmer,
  functionLiteral,
  mostNested,
  named,
  place,
} from "./expression-skimmer.ts";

/** A text in Lua 5.4, and the types that it declares. */
export interface Skimmed {
  code: string;
  types: DeclaredType[];
  usesTypes: boolean;
}

/**
 * Turns a text into Lua 5.4.
 *
 * @returns "untyped" where nothing in it is typed; undefined where a tree must be made, to say what is wrong with the
 * text or to know the type of an expression
 */
export function skim(text: string): Skimmed | "untyped" | undefined {
  return new Skimmer(text).skim();
}

class Skimmer extends ExpressionSkimmer {
  /** The names that are visible, innermost last. */
  readonly #declared: string[] = [];
  readonly #assigned = new Set<string>();
  #depth = 0;

  skim(): Skimmed | "untyped" | undefined {
    this.advance();
    this.#statements();
    if (this.kind !== "eof" || this.faults.length > 0 || this.needsTree) return undefined;
    const { text, edits, foreignStrings, types, globals } = this;
    if (!this.typed && foreignStrings.length === 0 && !castsOnly(globals)) return "untyped";
    const [cutOperands, assigned] = [this.cutOperands, this.#assigned];
    const erased = eraseParts({
      text,
      edits,
      foreignStrings,
      cutOperands,
      types,
      globals,
      assigned,
    });
    return { ...erased, types: describeTypes({ types }) };
  }

  // What is wrong is said by those who make a tree.
  override fault(message: string, start = this.start, end = this.end): void {
    if (this.faults.length === 0) super.fault(message, start, end);
  }

  #declare(name: string): void {
    this.#declared.push(name);
    this.visible.set(name, (this.visible.get(name) ?? 0) + 1);
  }

  #leave(mark: number): void {
    while (this.#declared.length > mark) {
      const name = this.#declared.pop()!;
      this.visible.set(name, this.visible.get(name)! - 1);
    }
  }

  #block(): void {
    const mark = this.#declared.length;
    this.#statements();
    this.#leave(mark);
  }

  #statements(): void {
    this.#depth++;
    while (!closes(this.kind) && this.faults.length === 0) {
      if (this.accept(";")) continue;
      if (!this.enter()) break;
      const returns = this.kind === "return";
      if (++this.nested > mostNested) this.needsTree = true;
      this.#statement();
      this.nested--;
      this.leave();
      if (returns) break;
    }
    this.#depth--;
  }

  #statement(): void {
    const { start } = this;
    switch (this.kind) {
      case "if":
        do {
          this.advance();
          this.anyExpression();
          this.expect("then");
          this.#block();
        } while (this.is("elseif"));
        if (this.accept("else")) this.#block();
        this.expect("end");
        return;
      case "while":
        this.advance();
        this.anyExpression();
        this.expect("do");
        this.#block();
        this.expect("end");
        return;
      case "do":
        this.advance();
        this.#block();
        this.expect("end");
        return;
      case "for":
        return this.#for();
      case "repeat": {
        this.advance();
        const mark = this.#declared.length;
        this.#statements();
        this.expect("until");
        this.anyExpression();
        this.#leave(mark);
        return;
      }
      case "function":
        return this.#function();
      case "local":
        this.advance();
        if (!this.accept("function")) return this.#local();
        this.#declare(this.nameText());
        this.functionBody(false);
        return;
      case "return":
        this.advance();
        if (!closes(this.kind) && !this.is(";")) this.anyExpressions();
        this.accept(";");
        return;
      case "break":
        this.advance();
        return;
      case "goto":
        this.advance();
        this.nameText();
        return;
      case "label": {
        // It may be meant as a cast.
        const inLine = !this.onNewLine();
        this.advance();
        if (inLine && !this.onNewLine()) this.needsTree = true;
        return;
      }
      case "::":
        this.advance();
        this.nameText();
        this.expect("::");
        return;
      case "name":
        if (this.value === "type" && this.peek().kind === "name") {
          return this.#describe(() => this.typeDeclaration(this.#depth === 1));
        }
        if (this.value === "interface" && this.peek().kind === "name") {
          return this.#describe(() => this.interfaceDeclaration(this.#depth === 1));
        }
    }
    this.#expressionStatement(start);
  }

  #describe(read: () => unknown): void {
    const outer = this.describing;
    this.describing = true;
    read();
    this.describing = outer;
  }

  /** A name with its annotation. */
  #binding(): string {
    const name = this.nameText();
    this.annotation();
    return name;
  }

  #for(): void {
    this.advance();
    const names = [this.#binding()];
    if (this.accept("=")) {
      if (this.anyExpressions() < 2) this.fault("',' expected");
    } else {
      while (this.accept(",")) names.push(this.#binding());
      this.expect("in");
      this.anyExpressions();
    }
    this.expect("do");
    const mark = this.#declared.length;
    for (const name of names) this.#declare(name);
    this.#statements();
    this.#leave(mark);
    this.expect("end");
  }

  #function(): void {
    this.advance();
    const { start } = this;
    const name = this.nameText();
    this.lookUp(name, start);
    if ((this.is("(") || this.is("<")) && !this.visible.get(name)) this.#assigned.add(name);
    let method = false;
    while (!method && (this.is(".") || this.is(":"))) {
      method = this.is(":");
      this.advance();
      this.nameText();
    }
    this.functionBody(method);
  }

  #local(): void {
    const names: string[] = [];
    let plain = true;
    let first = 0;
    do {
      names.push(this.nameText());
      if (this.is("<")) {
        plain = false;
        this.advance();
        this.nameText();
        this.expect(">");
      }
      this.annotation();
      if (names.length === 1) first = this.previousEnd;
    } while (this.accept(","));
    if (this.accept("=")) {
      const outer = this.pending;
      const alone = names.length === 1 && plain && this.is("function");
      const pending = alone ? { name: names[0]!, read: false } : undefined;
      this.pending = pending;
      const kind = this.anyExpression();
      const single = !this.is(",");
      if (this.accept(",")) this.anyExpressions();
      if (pending?.read && single && kind === functionLiteral) {
        this.insert(first, `; ${pending.name}`);
      }
      this.pending = outer;
    }
    for (const name of names) this.#declare(name);
  }

  protected override functionBody(method: boolean): void {
    this.typeParameters();
    const names: string[] = [];
    if (this.expect("(")) {
      while (!this.is(")")) {
        if (this.accept("...")) {
          this.annotation();
          break;
        }
        names.push(this.#binding());
        if (!this.accept(",")) break;
      }
      this.expect(")");
    }
    this.resultAnnotation();
    const mark = this.#declared.length;
    if (method) this.#declare("self");
    for (const name of names) this.#declare(name);
    this.#statements();
    this.#leave(mark);
    this.expect("end");
  }

  #expressionStatement(start: number): void {
    // Behind what is erased, a statement that begins with a parenthesis would be a call of what is before that.
    if (this.kind === "(" && this.erasedEnd === this.previousEnd) this.insert(this.erasedEnd, ";");
    let name = this.kind === "name" ? this.value : "";
    let kind = this.suffixed(start);
    if (!this.is("=") && !this.is(",")) {
      if (kind !== called || this.is("::") || this.is("!") || this.isAs()) this.fault("syntax");
      return;
    }
    for (;;) {
      if (kind === named) {
        if (!this.visible.get(name)) this.#assigned.add(name);
      } else if (kind !== place) this.fault("syntax");
      if (!this.accept(",")) break;
      name = this.is("name") ? this.value : "";
      kind = this.suffixed(this.start);
    }
    if (this.expect("=")) this.anyExpressions();
  }
}
