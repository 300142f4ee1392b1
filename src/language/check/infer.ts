import { numeral } from "../type-parser.ts";
import type { Binding, Expression, FunctionBody } from "../tree.ts";
import { type Facts, lengthOf, measuredIn, pathOf } from "./facts.ts";
import { anyOf, Operators, spanOf } from "./operators.ts";
import type { TypeNames } from "./resolve.ts";
import { constantOf, isStandard, resultOf } from "./standard.ts";
import {
  dynamic,
  expand,
  fieldNames,
  fits,
  type FunctionShape,
  luaType,
  mayBeNil,
  membersOf,
  never,
  nil,
  notTaken,
  requiredOf,
  someTable,
  textOf,
  type Type,
  union,
  usedMembersOf,
  widen,
  withoutNil,
} from "./types.ts";

/** What a table holds at a key that may not be there. */
function perhaps(type: Type, foreign: boolean | undefined): Type {
  return foreign ? { kind: "maybe", inner: type } : union([type, nil]);
}

/** Expressions within each other that are looked at. */
const deepest = 4_000;

const errorMethods: ReadonlySet<string> = new Set(
  ["kind", "retryable", "details", "message", "stack"],
);

type Call = Extract<Expression, { kind: "Call" }>;
type MethodCall = Extract<Expression, { kind: "MethodCall" }>;

/** Finds the types of expressions, and what is wrong in them. Each expression is looked at once. */
export abstract class Inference extends Operators {
  protected facts: Facts = new Map();
  protected abstract names: TypeNames;
  /** Types of bindings by annotation, or by the value of those that nothing assigns to. */
  protected readonly bindings = new Map<Binding, Type>();
  /** Fields of which a condition only asks whether they are there. */
  readonly #asked = new Set<Expression>();
  #depth = 0;
  readonly #results = new Map<Expression, Type[] | undefined>();
  /** Variables of loops, and the tables of which they are keys. */
  protected readonly within = new Map<Binding, readonly string[]>();

  /** What a global holds. */
  protected abstract globalType(name: string): Type;
  /** What `require` returns for a name. */
  protected abstract requiredType(name: string): Type;
  /** Whether the text assigns to a global. */
  protected abstract assigns(name: string): boolean;
  /** Whether the text itself gives some table a field of a name. */
  protected abstract gives(name: string): boolean;
  /** What a table that the text makes has under a name; undefined where that is not certain. */
  protected abstract memberOf(object: Expression, name: string): Type | undefined;
  /** Whether texts have no method of a name. */
  protected abstract lacksMethod(name: string): boolean;
  protected abstract functionBody(body: FunctionBody, shape: FunctionShape, method: boolean): void;
  /** Narrows the facts to those under which a condition holds, or does not. */
  protected abstract narrow(condition: Expression, holds: boolean): void;

  /** The types of all results of a call; undefined where they are not known. */
  protected resultsOf(expression: Expression): Type[] | undefined {
    return this.#results.get(expression);
  }

  /** The type of a condition, which may ask for a field that is not there. */
  protected condition(expression: Expression): Type {
    let asked = expression;
    for (;;) {
      if (asked.kind === "Paren") asked = asked.inner;
      else if (asked.kind === "Unary" && asked.operator === "not") asked = asked.operand;
      else if (asked.kind === "Binary" && asked.right.kind === "Nil") asked = asked.left;
      else break;
    }
    if (asked.kind === "Member" || asked.kind === "Index") this.#asked.add(asked);
    return this.infer(expression);
  }

  protected infer(expression: Expression): Type {
    // The check is given up: how deep the stack really goes is another matter in each run.
    if (++this.#depth > deepest) throw new RangeError("the code is nested too deeply");
    const type = this.#infer(expression);
    this.#depth -= 1;
    this.found.set(expression, type);
    return type;
  }

  #infer(expression: Expression): Type {
    switch (expression.kind) {
      case "Nil":
        return nil;
      case "True":
      case "False":
        return { kind: "literal", value: expression.kind === "True" };
      case "Number":
        return { kind: "literal", value: numeral(expression.text) };
      case "String":
        return { kind: "literal", value: expression.value };
      case "Name":
        return this.typeOfPath(expression) ?? this.#typeOfName(expression);
      case "Member":
      case "Index":
        return this.#field(expression);
      case "Paren":
        return this.infer(expression.inner);
      case "Cast":
        this.infer(expression.operand);
        return this.names.resolve(expression.type);
      case "NonNil":
        return withoutNil(this.infer(expression.operand));
      case "Function": {
        const shape = this.names.functionType(expression, false);
        this.functionBody(expression, shape, false);
        return shape;
      }
      case "Table":
        for (const { key, value } of expression.fields) {
          if (key) this.infer(key);
          this.infer(value);
        }
        return someTable;
      case "Unary":
        return this.#unary(expression);
      case "Binary":
        return this.#binary(expression);
      case "Call":
        return this.#call(expression);
      case "MethodCall":
        return this.#methodCall(expression);
      default:
        return dynamic;
    }
  }

  protected typeOfPath(expression: Expression): Type | undefined {
    const path = pathOf(expression);
    return path === undefined ? undefined : this.facts.get(path);
  }

  #typeOfName({ local, name }: Extract<Expression, { kind: "Name" }>): Type {
    return local ? this.bindings.get(local) ?? dynamic : this.globalType(name);
  }

  /** What an expression stands for, where it is a type and not a value. */
  protected asType(expression: Expression): Type | undefined {
    if (expression.kind === "Name" && !expression.local) return this.names.find(expression.name);
    const type = this.found.get(expression);
    return type?.kind === "type" ? type.of : undefined;
  }

  #field(expression: Extract<Expression, { kind: "Member" | "Index" }>): Type {
    const object = this.infer(expression.object);
    let name: string | undefined;
    if (expression.kind === "Member") name = expression.name;
    else {
      const key = this.infer(expression.key);
      if (key.kind === "literal" && typeof key.value === "string") name = key.value;
    }
    const known = this.typeOfPath(expression);
    if (known) {
      const there = expression.kind === "Index" && this.#isPresent(expression);
      return there ? withoutNil(known) : known;
    }
    if (expression.kind === "Member") {
      const library = this.#standardLibrary(expression);
      const constant = library && constantOf(library, expression.name);
      if (constant) return constant;
    }
    if (name !== undefined) {
      if (this.refuseIndex(object, expression)) return dynamic;
      const member = object === someTable && this.memberOf(expression.object, name);
      return member || this.fieldType(object, name, expression, !this.#asked.has(expression));
    }
    return expression.kind === "Index" ? this.#element(object, expression) : dynamic;
  }

  /** The type of an element. */
  #element(object: Type, at: Extract<Expression, { kind: "Index" }>): Type {
    if (this.refuseIndex(object, at)) return dynamic;
    const found = expand(object);
    if (found.kind !== "array" && found.kind !== "map") return anyOf([found]);
    const element = found.kind === "array" ? found.element : found.value;
    return this.#isPresent(at) ? element : perhaps(element, found.foreign);
  }

  /** Whether an element is there: the key comes from a loop over the table, or the code has asked for its length. */
  #isPresent({ object, key }: Extract<Expression, { kind: "Index" }>): boolean {
    const path = pathOf(object);
    if (path === undefined) return false;
    if (this.facts.has(lengthOf(path)) || measuredIn(key).includes(path)) return true;
    return key.kind === "Name" && key.local !== undefined &&
      this.within.get(key.local)?.includes(path) === true;
  }

  /** Says what is wrong with looking into a value. */
  protected refuseIndex(object: Type, at: Expression): boolean {
    for (const member of usedMembersOf(object)) {
      const found = expand(member);
      const kind = luaType(found);
      if (kind === "nil" && membersOf(object).length > 1) {
        this.report("E0000", at, `cannot index type ${textOf(object)} without nil check`);
        return true;
      }
      if (kind === "nil" || kind === "boolean" || kind === "number" || kind === "function") {
        this.report("E0000", at, `cannot index type ${textOf(widen(found))}`);
        return true;
      }
    }
    return false;
  }

  #mayHave({ open, foreign }: Extract<Type, { kind: "record" }>, name: string): boolean {
    return open === true || foreign === true && this.gives(name);
  }

  /** The type of a field; what is wrong with it is reported where it is asked for. */
  protected fieldType(object: Type, name: string, at: Expression, report: boolean): Type {
    const types = membersOf(object).map((member): Type | undefined => {
      const found = expand(member);
      switch (found.kind) {
        case "record": {
          const field = found.fields.get(name);
          if (!field) return this.#mayHave(found, name) ? dynamic : undefined;
          if (!field.optional) return field.type;
          return found.open ? { kind: "maybe", inner: field.type } : union([field.type, nil]);
        }
        case "interface":
          return found.fields.get(name)?.type ?? dynamic;
        case "any":
        case "unknown":
          return found;
        case "map":
          return fits({ kind: "string" }, found.key)
            ? perhaps(found.value, found.foreign)
            : dynamic;
        case "intersection": {
          const parts = found.members.map(expand);
          for (const part of parts) {
            if (part.kind === "record" && part.fields.has(name)) {
              return this.fieldType(part, name, at, false);
            }
          }
          return parts.every((part) => part.kind === "record") ? undefined : dynamic;
        }
        default:
          return dynamic;
      }
    });
    const missing = types.indexOf(undefined);
    if (missing < 0) return union(types as Type[]);
    const members = membersOf(object);
    const present = types.findIndex((type) => type !== undefined);
    if (report) {
      const message = present >= 0 && expand(members[present]!).kind === "record"
        ? `field '${name}' missing on ${textOf(members[missing]!)} (present on ${
          textOf(members[present]!)
        })`
        : `field '${name}' does not exist on type ${textOf(members[missing]!)}`;
      if (present < 0 || expand(members[present]!).kind === "record") {
        const known = types.flatMap((_, index) => fieldNames(members[index]!));
        this.diagnostics.push({ ...spanOf(at), code: "E0004", message, lost: { name, known } });
      }
    }
    return dynamic;
  }

  #unary({ operator, operand }: Extract<Expression, { kind: "Unary" }>): Type {
    const type = this.infer(operand);
    if (operator === "not") return { kind: "boolean" };
    if (operator === "#") {
      const wrong = usedMembersOf(type).find((member) =>
        ["nil", "boolean", "number", "function"].includes(luaType(member) ?? "")
      );
      if (wrong) {
        this.report("E0019", operand, `cannot take the length of ${textOf(widen(type))}`);
      }
      // An object may bring a length of its own, which need not be a number.
      const plain = ["array", "map", "record", "string", "literal"];
      const known = membersOf(type).every((member) => plain.includes(expand(member).kind));
      return known ? { kind: "integer" } : dynamic;
    }
    return this.arithmetic(operator, [operand]);
  }

  #binary({ operator, left, right }: Extract<Expression, { kind: "Binary" }>): Type {
    if (operator === "and" || operator === "or") {
      const first = this.condition(left);
      const before = this.facts;
      this.facts = new Map(before);
      this.narrow(left, operator === "and");
      const second = this.infer(right);
      this.facts = before;
      if (operator === "or" && first.kind === "maybe" && first.declared) {
        const same = luaType(first.inner) === luaType(second);
        return same ? union([first.inner, second]) : dynamic;
      }
      // `a and b` is b, or what of a is false.
      const kept = membersOf(first).map((member): Type => {
        const found = expand(member);
        if (found.kind === "boolean") {
          return operator === "or" ? { kind: "literal", value: true } : notTaken;
        }
        if (["dynamic", "any", "unknown"].includes(found.kind)) return dynamic;
        const falsy = found.kind === "nil" || found.kind === "literal" && found.value === false;
        return falsy === (operator === "and") ? member : never;
      });
      return union([...kept, second]);
    }
    this.infer(left);
    this.infer(right);
    if (operator === "==" || operator === "~=") return { kind: "boolean" };
    if (operator === "..") return this.concatenation([left, right]);
    if (/^[<>]=?$/.test(operator)) return this.comparison(operator, left, right);
    return this.arithmetic(operator, [left, right]);
  }

  #call(call: Call): Type {
    const { callee, args } = call;
    if (callee.kind === "Name" && !callee.local) {
      for (const arg of args) this.infer(arg);
      const named = this.names.find(callee.name);
      if (named) return named;
      if (callee.name === "require" && args[0]?.kind === "String") {
        return this.requiredType(args[0].value);
      }
      if (callee.name === "assert" && args[0]) {
        this.narrow(args[0], true);
        const [first] = args;
        return withoutNil(this.typeOfPath(first) ?? this.known(first));
      }
      return this.assigns(callee.name) ? dynamic : this.#standard("", callee.name, args);
    }
    const type = this.infer(callee);
    const asked = callee.kind === "Member" && callee.name === "is" && this.asType(callee.object);
    if (asked) return this.#isCall(call, asked, args);
    for (const arg of args) this.infer(arg);
    const library = callee.kind === "Member" && this.#standardLibrary(callee);
    if (library) return this.#standard(library, callee.name, args);
    return this.#invoke(call, type, args, 0, callee);
  }

  /** The library of Lua whose member it is. */
  #standardLibrary(member: Extract<Expression, { kind: "Member" }>): string | undefined {
    const { object, name } = member;
    if (object.kind !== "Name" || object.local || !isStandard(object.name)) return undefined;
    return this.assigns(object.name) || this.gives(name) ? undefined : object.name;
  }

  #standard(library: string, name: string, args: readonly Expression[]): Type {
    return resultOf(library, name, args, (each) => this.known(each), (table) => {
      const path = pathOf(table);
      return path !== undefined && this.facts.has(lengthOf(path));
    });
  }

  #methodCall(call: MethodCall): Type {
    const { object, name, args } = call;
    const type = this.infer(object);
    const asked = name === "is" ? this.asType(object) : undefined;
    if (asked) return this.#isCall(call, asked, args);
    for (const arg of args) this.infer(arg);
    if (mayBeNil(type)) {
      const message = membersOf(type).length > 1
        ? "cannot call method on optional value without nil check"
        : "cannot call method on nil";
      this.report("E0021", object, message);
      return dynamic;
    }
    const found = expand(type);
    const kind = luaType(found);
    if (kind === "number" || kind === "boolean" || kind === "function") {
      this.report("E0022", call, `no method ${name} on type ${textOf(widen(found))}`);
      return dynamic;
    }
    if (kind === "string" && this.lacksMethod(name)) {
      this.report("E0022", call, `no method ${name} on type string`);
      return dynamic;
    }
    if (kind === "string" && !this.gives(name) && !this.assigns("string")) {
      return this.#standard("string", name, [object, ...args]);
    }
    if (found.kind === "type") return dynamic;
    const lacking = membersOf(type).find((member, _, { length }) =>
      this.#lacks(expand(member), name, length > 1)
    );
    if (lacking) {
      this.report("E0022", call, `no method ${name} on type ${textOf(lacking)}`);
      return dynamic;
    }
    const member = type === someTable && this.memberOf(object, name);
    const method = member || this.fieldType(type, name, call, false);
    return this.#invoke(call, method, args, 1, call);
  }

  /** Whether a type has no method of a name. @param isOne of several: code may know which objects it has */
  #lacks(type: Type, name: string, isOne: boolean): boolean {
    if (type.kind === "error") return !errorMethods.has(name);
    if (type.kind === "interface") return !(isOne && type.closed) && !type.fields.has(name);
    return type.kind === "record" && !type.fields.has(name) && !this.#mayHave(type, name);
  }

  #isCall(call: Expression, asked: Type, args: readonly Expression[]): Type {
    for (const arg of args) this.infer(arg);
    const results: Type[] = [union([asked, nil]), union([{ kind: "error" }, nil])];
    this.#results.set(call, results);
    return results[0]!;
  }

  /** What of a type cannot be called for certain. */
  #uncallable(type: Type, at: Expression): Type | undefined {
    return usedMembersOf(type).find((member) => {
      const kind = luaType(member);
      return kind !== undefined && kind !== "function" && !this.mayBring(at, "__call", member);
    });
  }

  /** Checks the arguments of a call. @param receivers arguments that stand before those in parentheses */
  #invoke(
    call: Expression,
    type: Type,
    args: readonly Expression[],
    receivers: number,
    at: Expression,
  ): Type {
    const callee = expand(type);
    if (callee.kind === "union" && mayBeNil(callee)) {
      this.report("E0021", at, `cannot call optional value ${textOf(type)} without nil check`);
      return dynamic;
    }
    const wrong = this.#uncallable(type, at);
    if (wrong) {
      this.report("E0002", at, `expected function, got ${textOf(widen(wrong))}`);
      return dynamic;
    }
    if (callee.kind === "type") return callee.of;
    if (callee.kind !== "function") return anyOf([callee]);
    // A field that is called with `:` has its receiver first.
    this.#checkArguments(call, callee, args, receivers);
    if (!callee.results) return callee.shown?.[0] ?? dynamic;
    const given = [...Array<Type>(receivers).fill(dynamic), ...args.map((arg) => this.known(arg))];
    const results = callee.generic?.(given) ?? callee.results;
    this.#results.set(call, results);
    return results[0] ?? nil;
  }

  #checkArguments(
    call: Expression,
    callee: FunctionShape,
    args: readonly Expression[],
    receivers: number,
  ): void {
    const last = args.at(-1);
    const open = last && /^(?:Call|MethodCall|Vararg)$/.test(last.kind);
    const given = args.length + receivers;
    if (!open && given < requiredOf(callee)) {
      const needed = requiredOf(callee) - receivers;
      this.report("E0003", call, `not enough arguments: expected ${needed}, got ${args.length}`);
    } else if (!callee.vararg && args.length > 0 && given > callee.params.length) {
      const most = callee.params.length - receivers;
      this.report("E0003", call, `too many arguments: expected ${most}, got ${args.length}`);
    }
    args.forEach((arg, index) => {
      const wanted = callee.params[index + receivers] ?? callee.vararg;
      // What more a call returns is not known here.
      if (wanted) {
        this.checkValue(
          arg,
          this.known(arg),
          wanted,
          (why) => `argument ${index + 1}: expected ${textOf(wanted)}, got ${why}`,
        );
      }
    });
  }

  /** Reports a value that does not fit the place where it stands. */
  protected abstract checkValue(
    expression: Expression,
    type: Type,
    expected: Type,
    message: (value: string) => string,
  ): void;
}
