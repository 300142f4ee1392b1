/**
 * Checks the types of a program. What is not annotated is not known, and what is not known is right: only what is
 * certainly wrong is told.
 * @module
 */
import { requiredBy } from "../describe.ts";
import type { Binding, Expression, FunctionBody, Statement, Tree } from "../tree.ts";
import { type Facts, forget, join, measuredIn, pathOf } from "./facts.ts";
import type { Diagnostic } from "./operators.ts";
import { typeOfValue } from "./computed.ts";
import { place } from "./narrow.ts";
import { alone, type Library, type Surroundings } from "./library.ts";
import { TypeNames } from "./resolve.ts";
import { hasReturn } from "./returns.ts";
import { Shown } from "./shown.ts";
import { Surrounded } from "./surrounded.ts";
import {
  acceptsNil,
  counterOf,
  dynamic,
  expand,
  filter,
  fits,
  type FunctionShape,
  nil,
  textOf,
  type Type,
  union,
  withoutNil,
} from "./types.ts";

export type { Diagnostic } from "./operators.ts";

/** What the checker finds out about a sound tree. */
export interface Checked {
  /** What is wrong, in the order of the text. */
  diagnostics: Diagnostic[];
  /** The types of locals, as far as they are known: by annotation, or by the value of those that nothing assigns to. */
  locals: ReadonlyMap<Binding, Type>;
  /** What it gives to those who require it. */
  library: Library;
}

/**
 * Checks the types of a sound tree.
 *
 * @param surroundings what it may require; by default nothing is known of that
 */
export function check(tree: Tree, surroundings: Surroundings = alone): Checked {
  const checker = new Checker(tree, surroundings);
  const diagnostics = checker.check();
  return { diagnostics, locals: checker.locals, library: checker.shown.library };
}

/**
 * The types of a tree that may be half written: of its locals, as `check` finds them, and of each expression where it
 * stands.
 */
export function typesIn(tree: Tree, surroundings: Surroundings): {
  locals: ReadonlyMap<Binding, Type>;
  expressions: ReadonlyMap<Expression, Type>;
} {
  const checker = new Checker(tree, surroundings);
  checker.check();
  return { locals: checker.locals, expressions: checker.expressions };
}

class Checker extends Surrounded {
  protected override names: TypeNames;
  #results: Type[] | undefined;
  /** Types of the fields that are assigned to. */
  readonly #targets = new Map<Expression, Type>();
  #breaks = 0;
  /** What functions return, and what the chunk gives to those who require it. */
  readonly shown: Shown;

  constructor(tree: Tree, surroundings: Surroundings) {
    super(tree, surroundings);
    this.shown = new Shown(tree, () => this.names, (value) => this.known(value));
    this.names = new TypeNames(
      undefined,
      (expression) => typeOfValue(expression, (value) => this.#declaredOf(value)),
      (module, local, name) => {
        const required = requiredBy(local);
        const library = required === undefined
          ? surroundings.module(module)
          : surroundings.require(required);
        return library?.type(name) ?? dynamic;
      },
      undefined,
      () => this.metamethods(),
    );
  }

  #declaredOf(value: Expression): Type {
    if (value.kind !== "Name") return this.known(value);
    return value.local ? this.bindings.get(value.local) ?? dynamic : dynamic;
  }

  get locals(): ReadonlyMap<Binding, Type> {
    return this.bindings;
  }

  get expressions(): ReadonlyMap<Expression, Type> {
    return this.found;
  }

  protected override isPlain(expression: Expression): boolean {
    return this.shown.isPlain(expression);
  }

  protected override memberOf(object: Expression, name: string): Type | undefined {
    return this.shown.memberOf(object, name);
  }

  check(): Diagnostic[] {
    this.#block(this.tree.body);
    return this.diagnostics.sort((a, b) => a.start - b.start);
  }

  /** @returns whether nothing behind the statements is reached */
  #block(statements: readonly Statement[]): boolean {
    const outer = this.names;
    this.names = outer.inside(statements);
    let ended = false;
    for (const statement of statements) {
      if (statement.kind === "Label") ended = false;
      if (ended) continue;
      ended = this.#statement(statement);
    }
    this.names = outer;
    return ended;
  }

  /** Runs a branch from the facts given. @returns the facts at its end, undefined when it does not get there */
  #branch(facts: Facts, statements: readonly Statement[]): Facts | undefined {
    this.facts = facts;
    return this.#block(statements) ? undefined : this.facts;
  }

  #statement(statement: Statement): boolean {
    switch (statement.kind) {
      case "Local":
        this.#local(statement);
        return false;
      case "Assign":
        this.#assign(statement);
        return false;
      case "CallStatement":
        return this.#callStatement(statement.call);
      case "Do":
        return this.#block(statement.body);
      case "While":
      case "Repeat":
        return this.#loop(statement);
      case "If":
        return this.#if(statement);
      case "NumericFor":
        for (const bound of statement.bounds) {
          this.infer(bound);
          this.bound(bound);
        }
        this.#declare(
          statement.variable,
          counterOf(statement.bounds.map((each) => this.known(each))),
        );
        this.within.set(statement.variable, statement.bounds.flatMap((each) => measuredIn(each)));
        this.#forBody(statement.body);
        return false;
      case "GenericFor":
        this.#genericFor(statement);
        return false;
      case "FunctionStatement": {
        const shape = this.names.functionType(statement.body, statement.method);
        this.functionBody(statement.body, shape, statement.method);
        return false;
      }
      case "LocalFunction": {
        const shape = this.names.functionType(statement.body, false);
        if (!statement.binding.assigned) this.bindings.set(statement.binding, shape);
        this.functionBody(statement.body, shape, false);
        return false;
      }
      case "Return":
        this.#return(statement);
        return true;
      case "Break":
        this.#breaks++;
        return true;
      case "Goto":
        return true;
      default:
        return false;
    }
  }

  #declare(binding: Binding, type: Type): void {
    if (binding.type) this.bindings.set(binding, this.names.resolve(binding.type));
    else if (!binding.assigned) this.bindings.set(binding, type);
  }

  #local({ bindings, values }: Extract<Statement, { kind: "Local" }>): void {
    // `local f = function` is visible in its own body.
    const [only] = bindings;
    const [first] = values;
    if (bindings.length === 1 && first?.kind === "Function" && !only!.type && !only!.assigned) {
      this.bindings.set(only!, this.names.functionType(first, false));
    }
    const given = this.values(values, bindings.length);
    bindings.forEach((binding, index) => {
      const { type, from } = given[index]!;
      this.#declare(binding, values.length === 0 ? dynamic : type);
      if (!binding.type) return;
      const declared = this.bindings.get(binding)!;
      if (values.length > 0) {
        this.checkValue(
          from ?? values.at(-1)!,
          type,
          declared,
          (text) => `cannot assign ${text} to ${textOf(declared)}`,
          from === undefined || index >= values.length,
        );
        this.#assigned(
          { kind: "Name", name: binding.name, local: binding, used: undefined, ...place(binding) },
          type,
          index < values.length ? from : undefined,
        );
      } else if (!binding.assigned && !acceptsNil(declared)) {
        this.report("E0000", binding, `cannot assign nil to ${textOf(declared)}`);
      }
    });
    this.#notePair(bindings, values);
  }

  #notePair(bindings: readonly Binding[], values: readonly Expression[]): void {
    const [value, err] = bindings;
    const [call] = values;
    if (!value || !call || values.length !== 1) return;
    const results = this.resultsOf(call);
    if (err && results && results.length >= 2) {
      this.pairs.set(value, err);
      this.pairs.set(err, value);
    }
    const asked = this.askedBy(call);
    if (!asked) return;
    this.asked.set(value, { ...asked, when: true });
    if (err) this.asked.set(err, { ...asked, when: false });
  }

  #assign({ targets, values }: Extract<Statement, { kind: "Assign" }>): void {
    const given = this.values(values, targets.length);
    targets.forEach((target, index) => {
      const { type, from } = given[index]!;
      const declared = this.#targetType(target);
      if (declared) {
        this.checkValue(
          from ?? values.at(-1) ?? target,
          type,
          declared,
          (text) => `cannot assign ${text} to ${textOf(declared)}`,
          from === undefined || index >= values.length,
        );
      }
      this.#assigned(target, type, index < values.length ? from : undefined);
    });
  }

  /** The declared type of what is assigned to; undefined where there is none. */
  #targetType(target: Expression): Type | undefined {
    if (target.kind === "Name") return target.local?.type && this.bindings.get(target.local);
    if (target.kind !== "Member" && target.kind !== "Index") return undefined;
    const object = this.infer(target.object);
    this.refuseTarget(object, target);
    if (target.kind === "Index") this.infer(target.key);
    const found = expand(object);
    // Nil takes a field away.
    // Whoever requires a library may put other functions in the place of its own.
    if (target.kind === "Member" && found.kind === "record" && !found.foreign) {
      const field = found.fields.get(target.name);
      if (!field) return undefined;
      this.#targets.set(target, field.type);
      return union([field.type, nil]);
    }
    if (found.kind === "map" || target.kind === "Index" && found.kind === "array") {
      if (found.foreign) return undefined;
      const element = found.kind === "map" ? found.value : found.element;
      this.#targets.set(target, element);
      return union([element, nil]);
    }
    return undefined;
  }

  /** Takes over that a place has a new value. */
  #assigned(target: Expression, type: Type, from: Expression | undefined): void {
    const path = pathOf(target);
    if (path === undefined) return;
    forget(this.facts, path);
    // What nothing declares, any call may change.
    const declared = target.kind === "Name"
      ? target.local?.type && this.bindings.get(target.local)
      : this.#targets.get(target);
    if (!declared || acceptsNil(type) && type.kind !== "dynamic") return;
    const narrowed = type.kind === "dynamic" || type.kind === "table" ? declared : filter(
      declared,
      (member) => fits(type, member),
    );
    this.facts.set(path, withoutNil(narrowed));
    if (from?.kind === "Table") this.#filled(target, from, expand(declared));
  }

  /** Takes over what a table holds that was written down. */
  #filled(
    object: Expression,
    { fields }: Extract<Expression, { kind: "Table" }>,
    type: Type,
  ): void {
    if (type.kind !== "array" && type.kind !== "map") return;
    const element = type.kind === "array" ? type.element : type.value;
    let last = 0;
    for (const { key, value } of fields) {
      if (!key) last++;
      if (value.kind === "Nil") continue;
      const at: Expression = key ?? { kind: "Number", text: String(last), ...place(value) };
      const path = pathOf({ kind: "Index", object, key: at, ...place(value) });
      if (path !== undefined) this.facts.set(path, element);
    }
  }

  #callStatement(call: Expression): boolean {
    const before = this.diagnostics.length;
    this.infer(call);
    const args = call.kind === "Call" || call.kind === "MethodCall" ? call.args : [];
    if (call.kind === "Call" && this.diagnostics.length === before) {
      const { callee } = call;
      if (callee.kind === "Name" && !callee.local) {
        if (callee.name === "error") return true;
        if (callee.name === "assert" && args[0]?.kind === "False") return true;
      }
      if (callee.kind === "Member" && callee.object.kind === "Name") {
        if (callee.object.name === "os" && callee.name === "exit") return true;
      }
      const shape = expand(this.known(callee));
      if (shape.kind === "function") {
        if (shape.never) return true;
        const asserted = shape.asserts;
        const path = asserted && args[asserted.place] && pathOf(args[asserted.place]!);
        if (path && asserted.type) this.facts.set(path, asserted.type);
      }
    }
    // A function may raise unless an argument is there; whether it does is not asked.
    for (const arg of args) {
      const path = pathOf(arg);
      const type = path && (this.facts.get(path) ?? this.known(arg));
      if (path && type) this.facts.set(path, withoutNil(type));
    }
    return false;
  }

  #loop(statement: Extract<Statement, { kind: "While" | "Repeat" }>): boolean {
    const { condition, body } = statement;
    const outerBreaks = this.#breaks;
    this.#breaks = 0;
    const before = new Map(this.facts);
    let ended = false;
    if (statement.kind === "While") {
      this.condition(condition);
      this.narrow(condition, true);
      const after = this.#branch(this.facts, body);
      const endless = condition.kind === "True";
      this.facts = join(after ? [before, after] : [before])!;
      if (this.#breaks === 0) {
        ended = endless;
        this.narrow(condition, false);
      }
    } else {
      const after = this.#branch(new Map(this.facts), body);
      if (after) {
        this.facts = after;
        this.condition(condition);
        if (this.#breaks === 0) this.narrow(condition, true);
      } else ended = this.#breaks === 0;
      if (this.#breaks > 0) this.facts = join([before, ...after ? [after] : []])!;
    }
    this.#breaks = outerBreaks;
    return ended;
  }

  #forBody(body: readonly Statement[]): void {
    const outerBreaks = this.#breaks;
    const before = new Map(this.facts);
    const after = this.#branch(new Map(this.facts), body);
    this.facts = join(after ? [before, after] : [before])!;
    this.#breaks = outerBreaks;
  }

  #genericFor(statement: Extract<Statement, { kind: "GenericFor" }>): void {
    const { variables, values, body } = statement;
    for (const value of values) this.infer(value);
    const [call] = values;
    let types: Type[] = [];
    if (
      call?.kind === "Call" && call.callee.kind === "Name" && !call.callee.local && call.args[0]
    ) {
      const over = expand(this.known(call.args[0]));
      const pairs = call.callee.name === "pairs" || call.callee.name === "ipairs";
      if (pairs && over.kind === "array") types = [{ kind: "integer" }, over.element];
      if (call.callee.name === "pairs" && over.kind === "map") types = [over.key, over.value];
      const path = pathOf(call.args[0]);
      if (pairs && path !== undefined && variables[0]) this.within.set(variables[0], [path]);
    }
    variables.forEach((variable, index) => {
      this.#declare(variable, withoutNil(types[index] ?? dynamic));
    });
    this.#forBody(body);
  }

  #if({ clauses, otherwise }: Extract<Statement, { kind: "If" }>): boolean {
    const ends: Facts[] = [];
    let rest: Facts = this.facts;
    for (const { condition, body } of clauses) {
      this.facts = rest;
      this.condition(condition);
      const asked = this.facts;
      this.facts = new Map(asked);
      this.narrow(condition, true);
      const end = this.#branch(this.facts, body);
      if (end) ends.push(end);
      this.facts = new Map(asked);
      this.narrow(condition, false);
      rest = this.facts;
    }
    const end = this.#branch(rest, otherwise ?? []);
    if (end) ends.push(end);
    this.facts = join(ends) ?? new Map();
    return ends.length === 0;
  }

  protected override functionBody(body: FunctionBody, shape: FunctionShape, method: boolean): void {
    const { names, facts } = this;
    const [results, breaks] = [this.#results, this.#breaks];
    this.names = names.inside([], body.typeParameters);
    this.facts = new Map(facts);
    this.#results = shape.results;
    this.shown.inside(body, shape, () => this.#parts(body, shape, method));
    this.names = names;
    this.facts = facts;
    this.#results = results;
    this.#breaks = breaks;
  }

  /** @returns whether the function's end is not reached */
  #parts(body: FunctionBody, shape: FunctionShape, method: boolean): boolean {
    body.parameters.forEach((binding, index) =>
      this.#declareParameter(binding, shape.params[index + (method ? 1 : 0)]!)
    );
    const ended = this.#block(body.body);
    const asserts = body.results?.[0]?.kind === "Asserts";
    if (!ended && !asserts && shape.results?.some((result) => !acceptsNil(result))) {
      const at = { start: Math.max(body.start, body.end - 3), end: body.end };
      this.report("E0010", at, "missing return");
    }
    shape.never = ended && !hasReturn(body.body);
    return ended;
  }

  #declareParameter(binding: Binding, type: Type): void {
    if (binding.type) this.bindings.set(binding, type);
  }

  #return(statement: Extract<Statement, { kind: "Return" }>): void {
    const { values } = statement;
    const expected = this.#results;
    this.shown.add(values);
    const count = Math.max(expected?.length ?? 0, values.length);
    const given = this.values(values, count);
    if (!expected) return;
    expected.forEach((wanted, index) => {
      const { type, from } = given[index]!;
      const suffix = index === 0 ? "" : ` at position ${index + 1}`;
      if (!from && index >= values.length) {
        if (!acceptsNil(wanted)) {
          const message = index === 0
            ? `missing return value (expected ${textOf(wanted)})`
            : `missing return value${suffix} (expected ${textOf(wanted)})`;
          this.report("E0010", statement, message);
        }
        return;
      }
      this.checkValue(
        from!,
        type,
        wanted,
        (text) => `cannot return ${text}${suffix}, expected ${textOf(wanted)}`,
        index >= values.length,
      );
    });
  }
}
