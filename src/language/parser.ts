import { declaredAs } from "./binding.ts";
import { ExpressionParser } from "./expression-parser.ts";
import type { Binding, Expression, FunctionBody, Statement, Tree } from "./tree.ts";

/** Faults that are told of one text at most. */
const mostFaults = 100;

/** Whether a token ends a block. */
export function closes(kind: string): boolean {
  return kind === "end" || kind === "else" || kind === "elseif" || kind === "until" ||
    kind === "eof";
}

const statementWords: ReadonlySet<string> = new Set(
  "break do for function goto if local repeat return while".split(" "),
);

/**
 * Reads a text of typed Lua, whatever is in it: faults are in the tree.
 *
 * @param text each character is a byte; a `#!` line is skipped
 */
export function parse(text: string): Tree {
  return new Parser(text).parse();
}

class Parser extends ExpressionParser {
  readonly #selfReferences: Tree["selfReferences"] = [];
  /** Bindings of the blocks around, each behind what its name meant before: that is restored at the block's end. */
  readonly #hidden: (Binding | undefined)[] = [];
  readonly #assigned = new Set<string>();
  /** A label behind something on its line, and where what is behind it begins. */
  #labelInLine: { name: string; end: number } | undefined;
  #depth = 0;

  parse(): Tree {
    this.advance();
    const body: Statement[] = [];
    while (this.kind !== "eof") {
      body.push(...this.#statements());
      if (this.kind === "eof") break;
      this.fault(`'<eof>' expected near ${this.near()}`);
      this.advance();
    }
    return {
      text: this.text,
      body,
      comments: this.comments,
      faults: this.faults,
      types: this.types,
      globals: this.globals,
      assigned: this.#assigned,
      foreignStrings: this.foreignStrings,
      edits: this.edits,
      cutOperands: this.cutOperands,
      selfReferences: this.#selfReferences,
      typed: this.typed || this.foreignStrings.length > 0,
    };
  }

  override fault(message: string, start = this.start, end = this.end): void {
    if (this.faults.length < mostFaults) super.fault(message, start, end);
  }

  #declare(binding: Binding): Binding {
    this.#hidden.push(this.visible.get(binding.name), binding);
    this.visible.set(binding.name, binding);
    return binding;
  }

  #block(declare?: () => void): Statement[] {
    const mark = this.#hidden.length;
    declare?.();
    const body = this.#statements();
    this.#leave(mark);
    return body;
  }

  #leave(mark: number): void {
    while (this.#hidden.length > mark) {
      const { name } = this.#hidden.pop()!;
      this.visible.set(name, this.#hidden.pop());
    }
  }

  #statements(): Statement[] {
    const body: Statement[] = [];
    this.#depth++;
    while (!closes(this.kind)) {
      if (this.accept(";")) continue;
      const { start } = this;
      if (!this.enter()) break;
      const statement = this.#statement();
      this.leave();
      if (statement !== undefined) body.push(statement);
      if (this.start === start && !closes(this.kind)) this.advance();
      if (statement?.kind === "Return") break;
    }
    this.#depth--;
    return body;
  }

  #statement(): Statement | undefined {
    const { start } = this;
    switch (this.kind) {
      case "if":
        return this.#if();
      case "while": {
        this.advance();
        const condition = this.expression();
        this.expect("do");
        const body = this.#block();
        this.expectClosing("end", "while", start);
        return { kind: "While", condition, body, start, end: this.previousEnd };
      }
      case "do": {
        this.advance();
        const body = this.#block();
        this.expectClosing("end", "do", start);
        return { kind: "Do", body, start, end: this.previousEnd };
      }
      case "for":
        return this.#for();
      case "repeat":
        return this.#repeat();
      case "function":
        return this.#function();
      case "local":
        this.advance();
        return this.is("function") ? this.#localFunction(start) : this.#local(start);
      case "return": {
        this.advance();
        const none = closes(this.kind) || this.is(";");
        const values = none ? [] : this.expressionList();
        this.accept(";");
        return { kind: "Return", values, start, end: this.previousEnd };
      }
      case "break":
        this.advance();
        return { kind: "Break", start, end: this.previousEnd };
      case "goto": {
        this.advance();
        return { kind: "Goto", name: this.nameText(), start, end: this.previousEnd };
      }
      case "label": {
        const name = this.value;
        const inLine = !this.onNewLine();
        this.advance();
        this.#labelInLine = inLine && !this.onNewLine() ? { name, end: this.start } : undefined;
        return { kind: "Label", name, start, end: this.previousEnd };
      }
      case "::": {
        this.advance();
        const name = this.nameText();
        this.expect("::");
        return { kind: "Label", name, start, end: this.previousEnd };
      }
      case "name":
        if (this.value === "type" && this.peek().kind === "name") {
          return this.typeDeclaration(this.#depth === 1);
        }
        if (this.value === "interface" && this.peek().kind === "name") {
          return this.interfaceDeclaration(this.#depth === 1);
        }
    }
    return this.#expressionStatement();
  }

  #if(): Statement {
    const { start } = this;
    const clauses: { condition: Expression; body: Statement[] }[] = [];
    let otherwise: Statement[] | undefined;
    do {
      this.advance();
      const condition = this.expression();
      this.expect("then");
      clauses.push({ condition, body: this.#block() });
    } while (this.kind === "elseif");
    if (this.accept("else")) otherwise = this.#block();
    this.expectClosing("end", "if", start);
    const end = this.previousEnd;
    return { kind: "If", clauses, ...(otherwise && { otherwise }), start, end };
  }

  #repeat(): Statement {
    const { start } = this;
    this.advance();
    const mark = this.#hidden.length;
    const body = this.#statements();
    this.expectClosing("until", "repeat", start);
    const condition = this.expression();
    this.#leave(mark);
    return { kind: "Repeat", condition, body, start, end: this.previousEnd };
  }

  #binding(declared: Binding["declared"]): Binding {
    const { start } = this;
    const name = this.nameText();
    const end = this.previousEnd;
    let attribute: string | undefined;
    if (declared === "local" && this.kind === "<") {
      this.advance();
      attribute = this.nameText();
      this.expect(">");
    }
    const type = this.annotation();
    return {
      name,
      declared,
      type,
      attribute: attribute || undefined,
      assigned: false,
      value: undefined,
      start,
      end,
    };
  }

  #for(): Statement {
    const { start } = this;
    this.advance();
    const variables = [this.#binding("for")];
    const body = () => {
      this.expect("do");
      const statements = this.#block(() => variables.forEach((each) => this.#declare(each)));
      this.expectClosing("end", "for", start);
      return statements;
    };
    if (this.accept("=")) {
      const bounds = this.expressionList();
      if (bounds.length < 2) this.fault(`',' expected near ${this.near()}`);
      const [variable] = variables;
      const statements = body();
      const end = this.previousEnd;
      return { kind: "NumericFor", variable: variable!, bounds, body: statements, start, end };
    }
    while (this.accept(",")) variables.push(this.#binding("for"));
    if (!this.accept("in")) this.fault(`'=' or 'in' expected near ${this.near()}`);
    const values = this.expressionList();
    return { kind: "GenericFor", variables, values, body: body(), start, end: this.previousEnd };
  }

  #function(): Statement {
    const { start } = this;
    this.advance();
    const nameStart = this.start;
    const first = this.nameText();
    let target: Expression = this.lookUp(first, nameStart);
    if (this.kind === "(" || this.kind === "<") this.#assign(target);
    let method = false;
    while (this.kind === "." || this.kind === ":") {
      method = this.kind === ":";
      this.advance();
      const memberStart = this.start;
      const name = this.nameText();
      const end = this.previousEnd;
      target = {
        kind: "Member",
        object: target,
        name,
        nameStart: memberStart,
        start: nameStart,
        end,
      };
      if (method) break;
    }
    const self = declaredAs("self", "self", nameStart, nameStart);
    const body = this.functionBody(start, method ? self : undefined);
    return { kind: "FunctionStatement", target, method, body, start, end: this.previousEnd };
  }

  #localFunction(start: number): Statement {
    this.advance();
    const nameStart = this.start;
    const name = this.nameText();
    const binding = this.#declare(declaredAs(name, "function", nameStart, this.previousEnd));
    const body = this.functionBody(start);
    binding.value = body;
    return { kind: "LocalFunction", binding, body, start, end: this.previousEnd };
  }

  #local(start: number): Statement {
    const bindings = [this.#binding("local")];
    while (this.accept(",")) bindings.push(this.#binding("local"));
    const [first] = bindings;
    const statement: Extract<Statement, { kind: "Local" }> = {
      kind: "Local",
      bindings,
      values: [],
      start,
      end: start,
    };
    if (this.accept("=")) {
      const outer = this.pending;
      this.pending = undefined;
      if (bindings.length === 1 && first!.attribute === undefined && this.kind === "function") {
        this.pending = { name: first!.name, read: false };
      }
      const { pending } = this;
      statement.values = this.expressionList();
      const [value] = statement.values;
      const alone = statement.values.length === 1 && value!.kind === "Function";
      if (pending?.read && alone && this.typeDepth === 0) this.#selfReferences.push(statement);
      this.pending = outer;
      statement.values.forEach((each, index) => {
        const binding = bindings[index];
        if (binding) binding.value = each;
      });
    }
    for (const binding of bindings) this.#declare(binding);
    statement.end = this.previousEnd;
    return statement;
  }

  protected override functionBody(start: number, self?: Binding): FunctionBody {
    const typeParameters = this.typeParameters();
    const parameters: Binding[] = [];
    let vararg: FunctionBody["vararg"];
    const opening = this.start;
    if (this.expect("(")) {
      while (this.kind !== ")" && this.kind !== "eof") {
        if (this.kind === "...") {
          const at = this.start;
          this.advance();
          const type = this.annotation();
          vararg = { ...(type && { type }), start: at, end: this.previousEnd };
          break;
        }
        if (this.kind !== "name") {
          this.fault(`<name> expected near ${this.near()}`);
          break;
        }
        parameters.push(this.#binding("parameter"));
        if (!this.accept(",")) break;
      }
      this.expectClosing(")", "(", opening);
    }
    const results = this.resultAnnotation();
    const body = this.#block(() => {
      if (self) this.#declare(self);
      for (const parameter of parameters) this.#declare(parameter);
    });
    this.expectClosing("end", "function", start);
    const end = this.previousEnd;
    const made: FunctionBody = { kind: "Function", typeParameters, parameters, body, start, end };
    if (vararg) made.vararg = vararg;
    if (results) made.results = results;
    return made;
  }

  #expressionStatement(): Statement | undefined {
    const { start } = this;
    // Behind what is erased, a statement that begins with a parenthesis would be a call of what is before that.
    if (this.kind === "(" && this.erasedEnd === this.previousEnd) {
      this.insert(this.erasedEnd, ";");
    }
    const first = this.suffixed();
    if (first.kind === "Missing") {
      this.#recover();
      return undefined;
    }
    if (this.kind === "=" || this.kind === ",") {
      const targets = [first];
      while (this.accept(",")) targets.push(this.suffixed());
      for (const target of targets) {
        if (target.kind === "Name") this.#assign(target);
        else if (target.kind !== "Member" && target.kind !== "Index") {
          this.fault(`syntax error near ${this.near()}`);
        }
      }
      const values = this.expect("=") ? this.expressionList() : [];
      return { kind: "Assign", targets, values, start, end: this.previousEnd };
    }
    if (this.kind === "::" || this.kind === "!" || this.isAs()) {
      this.typed = true;
      this.fault(`a cast is no statement near ${this.near()}`);
    } else if (first.kind === "Call" || first.kind === "MethodCall") {
      return { kind: "CallStatement", call: first, start, end: this.previousEnd };
    } else if (this.#labelInLine?.end === start) {
      this.typed = true;
      const { name } = this.#labelInLine;
      const type = this.text.slice(first.start, first.end);
      this.fault(`::${name}:: is a label; write ((v :: ${name}) :: ${type})`, start);
    } else this.fault(`syntax error near ${this.near()}`);
    const { previousEnd: end } = this;
    this.#recover();
    // What is only half written is looked at by editors.
    return { kind: "CallStatement", call: first, start, end };
  }

  #assign(target: Expression): void {
    if (target.kind !== "Name") return;
    if (target.local) target.local.assigned = true;
    else this.#assigned.add(target.name);
  }

  /** Goes to where a statement may begin. */
  #recover(): void {
    while (!closes(this.kind) && !statementWords.has(this.kind) && this.kind !== ";") {
      this.advance();
      if (this.onNewLine() && this.kind === "name") return;
    }
  }
}
