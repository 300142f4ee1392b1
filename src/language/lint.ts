/**
 * Rules for style and likely mistakes, applied to the syntax tree of valid code.
 * @module
 */
import { requiredBy } from "./describe.ts";
import type { Binding, Expression, FunctionBody, Name, Statement, Tree, TypeNode } from "./tree.ts";

/** A violation of a rule. */
export interface LintFinding {
  /** Offsets in bytes. */
  start: number;
  end: number;
  code: string;
  severity: "error" | "warning" | "hint";
  message: string;
  /** What is never read, where that is the finding. */
  unread?: Binding;
}

/** The rules by code. */
export const lintRules = {
  W0001: { name: "no-empty-blocks", severity: "warning" },
  W0002: { name: "no-global-assign", severity: "warning" },
  W0003: { name: "no-self-compare", severity: "error" },
  W0004: { name: "no-unused-vars", severity: "warning" },
  W0005: { name: "no-unused-params", severity: "hint" },
  W0006: { name: "no-unused-imports", severity: "warning" },
  W0007: { name: "no-shadowed-vars", severity: "hint" },
} as const;

type Code = keyof typeof lintRules;

const comparisons: Readonly<Record<string, boolean>> = {
  "==": true,
  "<=": true,
  ">=": true,
  "~=": false,
  "<": false,
  ">": false,
};

/**
 * Finds violations of the rules, in source order.
 *
 * @param known existing globals, which the code may set
 */
export function lint(tree: Tree, known: ReadonlySet<string>): LintFinding[] {
  return new Linter(tree, known).run();
}

/** Text of what a comparison may have on both sides: a name, a literal, or a chain of them; else undefined. */
function chain(expression: Expression): string | undefined {
  switch (expression.kind) {
    case "Name":
      return expression.name;
    case "Nil":
    case "True":
    case "False":
      return expression.kind.toLowerCase();
    case "Number":
      return expression.text;
    case "String":
      return JSON.stringify(expression.value);
    case "Member": {
      const object = chain(expression.object);
      return object && `${object}.${expression.name}`;
    }
    case "Index": {
      const [object, key] = [chain(expression.object), chain(expression.key)];
      return object && key && `${object}[${key}]`;
    }
    case "Paren":
      return chain(expression.inner);
    default:
      return undefined;
  }
}

const isExempt = (name: string) => name.startsWith("_");

class Linter {
  readonly #found: LintFinding[] = [];
  readonly #scopes: Map<string, Binding>[] = [];
  /** Locals and parameters that something reads. */
  readonly #read = new Set<Binding>();
  readonly #declared: Binding[] = [];
  readonly #parameters: { binding: Binding; of: FunctionBody }[] = [];

  constructor(readonly tree: Tree, readonly known: ReadonlySet<string>) {}

  run(): LintFinding[] {
    this.#block(this.tree.body);
    for (const binding of this.#declared) this.#checkUse(binding);
    for (const { binding, of } of this.#parameters) {
      if (this.#read.has(binding) || isExempt(binding.name) || binding.name === "self") continue;
      this.#add("W0005", of, `the parameter ${binding.name} is never read`, binding);
    }
    return this.#found.sort((one, other) => one.start - other.start);
  }

  #add(
    code: Code,
    { start, end }: { start: number; end: number },
    message: string,
    unread?: Binding,
  ): void {
    const { severity } = lintRules[code];
    this.#found.push({ start, end, code, severity, message, ...(unread && { unread }) });
  }

  #checkUse(binding: Binding): void {
    const { name } = binding;
    if (this.#read.has(binding) || isExempt(name)) return;
    this.#add("W0004", binding, `the local ${name} is never read`, binding);
    const module = binding.declared === "local" ? requiredBy(binding) : undefined;
    if (module !== undefined) {
      const message = `the module ${module}, which ${name} holds, is never used`;
      this.#add("W0006", binding, message, binding);
    }
  }

  #declare(binding: Binding): void {
    const { name } = binding;
    const shadows = this.#scopes.some((scope) => scope.has(name));
    if (shadows && !isExempt(name) && name !== "self") {
      this.#add("W0007", binding, `${name} hides another local of that name`);
    }
    this.#scopes.at(-1)!.set(name, binding);
    if (binding.type) this.#type(binding.type);
  }

  /** Statements in a scope of their own, in which `declared` are there already. */
  #block(statements: readonly Statement[], declared: () => void = () => {}): void {
    this.#scopes.push(new Map());
    declared();
    for (const statement of statements) this.#statement(statement);
    this.#scopes.pop();
  }

  #local(binding: Binding): void {
    this.#declare(binding);
    this.#declared.push(binding);
  }

  #empty(body: readonly Statement[], at: { start: number; end: number }, what: string): void {
    if (body.length === 0) this.#add("W0001", at, `the block of ${what} is empty`);
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case "Local":
        this.#expressions(statement.values);
        for (const binding of statement.bindings) this.#local(binding);
        return;
      case "LocalFunction":
        this.#local(statement.binding);
        return this.#function(statement.body);
      case "Assign":
        this.#expressions(statement.values);
        for (const target of statement.targets) this.#target(target);
        return;
      case "FunctionStatement":
        this.#target(statement.target);
        return this.#function(statement.body);
      case "CallStatement":
        return this.#expression(statement.call);
      case "Do":
        return this.#block(statement.body);
      case "While":
        this.#expression(statement.condition);
        this.#empty(statement.body, statement, "while");
        return this.#block(statement.body);
      case "Repeat":
        this.#empty(statement.body, statement, "repeat");
        // The condition sees the locals of the block.
        this.#scopes.push(new Map());
        for (const inner of statement.body) this.#statement(inner);
        this.#expression(statement.condition);
        this.#scopes.pop();
        return;
      case "If":
        for (const { condition, body } of statement.clauses) {
          this.#expression(condition);
          this.#empty(body, condition, "then");
          this.#block(body);
        }
        if (statement.otherwise) this.#block(statement.otherwise);
        return;
      case "NumericFor":
        this.#expressions(statement.bounds);
        this.#empty(statement.body, statement, "for");
        return this.#block(statement.body, () => this.#local(statement.variable));
      case "GenericFor":
        this.#expressions(statement.values);
        this.#empty(statement.body, statement, "for");
        return this.#block(statement.body, () => {
          for (const variable of statement.variables) this.#local(variable);
        });
      case "Return":
        return this.#expressions(statement.values);
      case "TypeDeclaration":
        return this.#type(statement.type);
      case "InterfaceDeclaration":
        for (const { type } of statement.methods) this.#type(type);
        return;
      default:
        return;
    }
  }

  /** The target of an assignment: a name is not read by it; the path to a field is. */
  #target(target: Expression): void {
    if (target.kind !== "Name") return this.#expression(target);
    if (target.local || this.known.has(target.name)) return;
    this.#add("W0002", target, `${target.name} is assigned to, but nothing declares it`);
  }

  #function(body: FunctionBody): void {
    for (const { type } of [...body.parameters, ...(body.vararg ? [body.vararg] : [])]) {
      if (type) this.#type(type);
    }
    for (const type of body.results ?? []) this.#type(type);
    this.#block(body.body, () => {
      for (const binding of body.parameters) {
        this.#declare(binding);
        this.#parameters.push({ binding, of: body });
      }
    });
  }

  #expressions(expressions: readonly Expression[]): void {
    for (const expression of expressions) this.#expression(expression);
  }

  #name({ local }: Name): void {
    if (local) this.#read.add(local);
  }

  #expression(expression: Expression): void {
    switch (expression.kind) {
      case "Name":
        return this.#name(expression);
      case "Function":
        return this.#function(expression);
      case "Member":
        return this.#expression(expression.object);
      case "Index":
        this.#expression(expression.object);
        return this.#expression(expression.key);
      case "Call":
        this.#expression(expression.callee);
        return this.#expressions(expression.args);
      case "MethodCall":
        this.#expression(expression.object);
        return this.#expressions(expression.args);
      case "Binary":
        this.#compare(expression);
        this.#expression(expression.left);
        return this.#expression(expression.right);
      case "Unary":
      case "NonNil":
        return this.#expression(expression.operand);
      case "Cast":
        this.#type(expression.type);
        return this.#expression(expression.operand);
      case "Paren":
        return this.#expression(expression.inner);
      case "Table":
        for (const { key, value } of expression.fields) {
          if (key) this.#expression(key);
          this.#expression(value);
        }
        return;
      default:
        return;
    }
  }

  #compare(expression: Extract<Expression, { kind: "Binary" }>): void {
    const { operator, left, right } = expression;
    const always = comparisons[operator];
    const side = always === undefined ? undefined : chain(left);
    if (side === undefined || side !== chain(right)) return;
    this.#add("W0003", expression, `${side} ${operator} ${side} is always ${always}`);
  }

  /** A local that a type names, or whose type it takes, is read. */
  #type(type: TypeNode): void {
    const waiting: unknown[] = [type];
    while (waiting.length > 0) {
      const node = waiting.pop();
      if (typeof node !== "object" || node === null) continue;
      if ("kind" in node && node.kind === "TypeName" && "local" in node) {
        this.#read.add(node.local as Binding);
      } else if ("kind" in node && node.kind === "Typeof") {
        this.#expression((node as Extract<TypeNode, { kind: "Typeof" }>).expression);
        continue;
      } else if ("argument" in node) {
        this.#expression((node as { argument: Expression }).argument);
      }
      for (const [key, part] of Object.entries(node)) {
        if (key !== "local" && key !== "argument") waiting.push(part);
      }
    }
  }
}
