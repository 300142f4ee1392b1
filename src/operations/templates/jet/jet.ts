/**
 * Templates in the language of Jet: lexer, parser and renderer. A rendering is bounded in its steps, its depth and its
 * output, so no template can hold up a worker.
 * @module
 */
import { itemOf, type ValueMap } from "../../../registry/expression/value.ts";
import { evaluate, itemsOf, type Surroundings } from "./evaluator.ts";
import { LimitError, longestText, Refusal, TemplateError } from "./failure.ts";
import { builtins } from "./functions.ts";
import type { Assignment, Block, Expression, Parameter, Statement, Template } from "./tree.ts";
import { Caught, escapeHtml, isTruthy, type JetValue, printed, Written } from "./values.ts";

export { LimitError, TemplateError } from "./failure.ts";
export { parseTemplate } from "./parser.ts";
export type { Template } from "./tree.ts";

/** What a rendering uses. */
export interface RenderOptions {
  /** The template of a name; undefined when there is none. @throws TemplateError */
  find(name: string): Template | undefined;
  /** Top-level variables; as a map they are also the context of the template. */
  data: ValueMap;
  /** Variables of the whole set. */
  globals: ValueMap;
}

const mostSteps = 3_000_000;
const deepest = 100;

/** Renders a template. @throws TemplateError with the place, LimitError */
export function render(template: Template, options: RenderOptions): string {
  return new Renderer(options).run(template);
}

/** Variables, those of the scope around them behind them. */
interface Scope {
  variables: Map<string, JetValue>;
  outer: Scope | undefined;
}

/** A block, and the template that it is of. */
interface Placed {
  block: Block;
  template: string;
}

/** What `yield content` stands for. */
interface Content {
  statements: readonly Statement[];
  scope: Scope;
  template: string;
  content: Content | undefined;
}

class Renderer implements Surroundings {
  context: JetValue;
  #scope: Scope = { variables: new Map(), outer: undefined };
  #blocks: ReadonlyMap<string, Placed> = new Map();
  #content: Content | undefined;
  #template = "";
  #returned: JetValue = null;
  #steps = 0;
  #depth = 0;
  #size = 0;
  #parts: string[] = [];
  readonly #options: RenderOptions;

  constructor(options: RenderOptions) {
    this.#options = options;
    this.context = options.data;
  }

  run(template: Template): string {
    this.#root(template, 1);
    return this.#parts.join("");
  }

  lookup(name: string): JetValue | undefined {
    for (let scope: Scope | undefined = this.#scope; scope; scope = scope.outer) {
      const found = scope.variables.get(name);
      if (found !== undefined) return found;
    }
    const { data, globals } = this.#options;
    return itemOf(data, name) ?? itemOf(globals, name) ?? builtins.get(name);
  }

  step(): void {
    if (++this.#steps > mostSteps) throw new LimitError(`takes more than ${mostSteps} steps`);
  }

  exec([name, context]: readonly JetValue[]): JetValue {
    const template = this.#found(name ?? null);
    const [parts, size, returned] = [this.#parts, this.#size, this.#returned];
    this.#parts = [];
    this.#returned = null;
    try {
      this.#inside(context, () => this.#root(template, 1));
      return this.#returned;
    } finally {
      this.#parts = parts;
      this.#size = size;
      this.#returned = returned;
    }
  }

  includeIfExists([name, context]: readonly JetValue[]): JetValue {
    const template = typeof name === "string" ? this.#options.find(name) : undefined;
    if (template) this.#inside(context, () => this.#root(template, 1));
    return template !== undefined;
  }

  #found(name: JetValue): Template {
    if (typeof name !== "string") throw new Refusal("the name of a template is a string");
    const template = this.#options.find(name);
    if (!template) throw new Refusal(`template ${JSON.stringify(name)} could not be found`);
    return template;
  }

  /** Renders a template, or the one at the end of those that it extends, with the blocks of all. */
  #root(template: Template, line: number): void {
    this.#deeper(() => {
      const blocks = new Map<string, Placed>();
      this.#gather(template, blocks, []);
      let root = template;
      while (root.extends) root = this.#parent(root, root.extends);
      const [outer, name] = [this.#blocks, this.#template];
      this.#blocks = blocks;
      this.#template = root.name;
      try {
        this.#statements(root.statements);
      } finally {
        this.#blocks = outer;
        this.#template = name;
      }
    }, line);
  }

  #parent(child: Template, { name, line }: { name: string; line: number }): Template {
    const parent = this.#options.find(name);
    if (parent) return parent;
    throw new TemplateError(child.name, line, `template "${name}" could not be found`);
  }

  /** Collects blocks: a template's own win over imported ones, and those over the ones of what it extends. */
  #gather(template: Template, blocks: Map<string, Placed>, path: readonly Template[]): void {
    this.step();
    const { extends: parent, imports, name } = template;
    if (path.includes(template) || path.length >= deepest) {
      throw new TemplateError(name, 1, "extends or imports itself");
    }
    for (const other of [...parent ? [parent] : [], ...imports]) {
      this.#gather(this.#parent(template, other), blocks, [...path, template]);
    }
    for (const [key, block] of template.blocks) blocks.set(key, { block, template: name });
  }

  #deeper(inside: () => void, line: number): void {
    if (++this.#depth > deepest) {
      this.#depth--;
      throw new LimitError(
        `template ${this.#template}:${line}: includes and yields nest deeper than ${deepest} levels`,
      );
    }
    try {
      inside();
    } finally {
      this.#depth--;
    }
  }

  /** Runs with variables of its own, and with a context where one is given. */
  #inside(context: JetValue | undefined, work: () => void): void {
    const [scope, before] = [this.#scope, this.context];
    this.#scope = { variables: new Map(), outer: scope };
    if (context !== undefined) this.context = context;
    try {
      work();
    } finally {
      this.#scope = scope;
      this.context = before;
    }
  }

  #write(text: string): void {
    this.#size += text.length;
    if (this.#size > longestText) throw new LimitError("makes more than 16 MiB of output");
    this.#parts.push(text);
  }

  #statements(list: readonly Statement[]): void {
    for (const statement of list) {
      try {
        this.step();
        this.#statement(statement);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        throw new TemplateError(this.#template, statement.line, error.message);
      }
    }
  }

  #value(node: Expression | undefined): JetValue | undefined {
    return node && evaluate(node, this);
  }

  #statement(statement: Statement): void {
    switch (statement.type) {
      case "text":
        return this.#write(statement.text);
      case "print": {
        const value = evaluate(statement.value, this);
        return this.#write(value instanceof Written ? value.text : escapeHtml(printed(value)));
      }
      case "assign":
        return this.#assign(statement.assignment);
      case "if":
        return this.#inside(undefined, () => {
          if (statement.assignment) this.#assign(statement.assignment);
          const holds = isTruthy(evaluate(statement.test, this));
          this.#statements(holds ? statement.then : statement.otherwise ?? []);
        });
      case "range":
        return this.#range(statement);
      case "block": {
        const { block } = statement;
        const placed = this.#blocks.get(block.name) ?? { block, template: this.#template };
        return this.#block(placed, block.parameters, block.context, block.content, statement.line);
      }
      case "yield": {
        const { name, line } = statement;
        const placed = this.#blocks.get(name);
        if (!placed) throw new Refusal(`unresolved block "${name}"`);
        const { arguments: given, context, content } = statement;
        return this.#block(placed, given, context, content, line);
      }
      case "yield content":
        return this.#yieldContent(statement.context, statement.line);
      case "include": {
        const template = this.#found(evaluate(statement.name, this));
        const context = this.#value(statement.context);
        return this.#inside(context, () => this.#root(template, statement.line));
      }
      case "try":
        return this.#try(statement);
      case "return":
        this.#returned = evaluate(statement.value, this);
    }
  }

  #assign({ declares, targets, values }: Assignment): void {
    if (values.length !== targets.length) {
      throw new Refusal(`${targets.length} names get ${values.length} values`);
    }
    const found = values.map((value) => evaluate(value, this));
    targets.forEach((target, position) => {
      if (target.type !== "name") throw new Refusal("only names can be assigned to");
      this.#set(target.name, found[position]!, declares);
    });
  }

  #set(name: string, value: JetValue, declares: boolean): void {
    if (name === "_") return;
    if (declares) {
      this.#scope.variables.set(name, value);
      return;
    }
    for (let scope: Scope | undefined = this.#scope; scope; scope = scope.outer) {
      if (!scope.variables.has(name) && scope.outer) continue;
      // What came with the data is assigned in the outermost scope.
      if (!scope.variables.has(name) && itemOf(this.#options.data, name) === undefined) break;
      scope.variables.set(name, value);
      return;
    }
    throw new Refusal(`identifier "${name}" is not available; declare it with :=`);
  }

  #range(statement: Extract<Statement, { type: "range" }>): void {
    const { assignment, over, body, otherwise } = statement;
    const [key, item] = assignment?.targets ?? [];
    let empty = true;
    for (const [at, value] of itemsOf(evaluate(over, this))) {
      empty = false;
      this.step();
      this.#inside(item ? undefined : value, () => {
        const declares = assignment?.declares ?? true;
        if (key?.type === "name") this.#set(key.name, at, declares);
        if (item?.type === "name") this.#set(item.name, value, declares);
        this.#statements(body);
      });
    }
    if (empty && otherwise) this.#inside(undefined, () => this.#statements(otherwise));
  }

  #block(
    { block, template }: Placed,
    given: readonly Parameter[],
    context: Expression | undefined,
    content: readonly Statement[] | undefined,
    line: number,
  ): void {
    const outer = this.#content;
    const name = this.#template;
    const own = content &&
      { statements: content, scope: this.#scope, template: name, content: outer };
    const variables = new Map<string, JetValue>();
    for (const { name: parameter, value } of given) {
      if (value) variables.set(parameter, evaluate(value, this));
    }
    this.#deeper(() =>
      this.#inside(this.#value(context), () => {
        for (const [key, value] of variables) this.#scope.variables.set(key, value);
        for (const { name: parameter, value } of block.parameters) {
          if (variables.has(parameter)) continue;
          this.#scope.variables.set(parameter, value ? evaluate(value, this) : false);
        }
        this.#content = own ?? outer;
        this.#template = template;
        try {
          this.#statements(block.body);
        } finally {
          this.#content = outer;
          this.#template = name;
        }
      }), line);
  }

  #yieldContent(context: Expression | undefined, line: number): void {
    const content = this.#content;
    if (!content) return;
    const [scope, before, name] = [this.#scope, this.context, this.#template];
    const given = this.#value(context);
    this.#deeper(() => {
      this.#scope = { variables: new Map(), outer: content.scope };
      this.#content = content.content;
      this.#template = content.template;
      if (given !== undefined) this.context = given;
      try {
        this.#statements(content.statements);
      } finally {
        this.#scope = scope;
        this.#content = content;
        this.#template = name;
        this.context = before;
      }
    }, line);
  }

  #try({ body, error: name, handler }: Extract<Statement, { type: "try" }>): void {
    const [count, size] = [this.#parts.length, this.#size];
    try {
      this.#inside(undefined, () => this.#statements(body));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.#parts.length = count;
      this.#size = size;
      if (!handler) return;
      this.#inside(undefined, () => {
        if (name !== undefined) this.#scope.variables.set(name, new Caught(error.message));
        this.#statements(handler);
      });
    }
  }
}
