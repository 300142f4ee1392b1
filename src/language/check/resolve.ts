import type {
  Binding,
  Expression,
  FunctionBody,
  InterfaceDeclaration,
  RecordField,
  Statement,
  TypeDeclaration,
  TypeNode,
  TypeParameter,
} from "../tree.ts";
import { extendsType, indexed, keysOf } from "./computed.ts";
import { isInvariant, TypeArguments } from "./generics.ts";
import {
  declaredTable,
  dynamic,
  expand,
  type Field,
  type FunctionShape,
  nil,
  type Type,
  union,
} from "./types.ts";

type Declaration = TypeDeclaration | InterfaceDeclaration;

const builtin: Readonly<Record<string, Type>> = {
  nil,
  boolean: { kind: "boolean" },
  bool: { kind: "boolean" },
  number: { kind: "number" },
  integer: { kind: "integer" },
  int: { kind: "integer" },
  string: { kind: "string" },
  any: { kind: "any" },
  unknown: { kind: "unknown" },
  never: { kind: "never" },
  table: declaredTable,
  error: { kind: "error" },
  userdata: { kind: "userdata" },
  thread: { kind: "thread" },
};

const none: ReadonlySet<string> = new Set();

/** Names of types that are visible at one place. */
export class TypeNames {
  readonly #declared = new Map<string, Declaration>();
  /** Type parameters: those of functions may be anything. */
  readonly #bound = new Map<string, Type>();
  readonly #known = new Map<string, Type>();

  constructor(
    readonly outer: TypeNames | undefined,
    /** The type of an expression in `typeof`. */
    readonly typeOf: (expression: Expression) => Type,
    /** What `alias.Type` is, where the alias is that of a library. */
    readonly imported: (module: string, local: Binding | undefined, name: string) => Type,
    /** The module whose types are declared: `any`, optional values and fields without a name are then not known. */
    readonly origin?: string,
    /** The metamethods that the text mentions. */
    readonly metamethods: () => ReadonlySet<string> = () => none,
  ) {}

  /** The names of a block, which may mention each other. */
  inside(statements: readonly Statement[], parameters: readonly TypeParameter[] = []): TypeNames {
    const declared = statements.filter((statement): statement is Declaration =>
      statement.kind === "TypeDeclaration" || statement.kind === "InterfaceDeclaration"
    );
    if (declared.length === 0 && parameters.length === 0) return this;
    const names = this.#below();
    for (const each of declared) names.#declared.set(each.name, each);
    for (const { name } of parameters) names.#bound.set(name, dynamic);
    return names;
  }

  /** The type that a name without arguments has; undefined where there is none. */
  find(name: string): Type | undefined {
    const bound = this.#bound.get(name);
    if (bound) return bound;
    const declared = this.#declared.get(name);
    if (!declared) return this.outer ? this.outer.find(name) : builtin[name];
    let known = this.#known.get(name);
    if (!known) {
      const get = once(() => this.#declaration(declared, []));
      known = { kind: "named", name, get };
      this.#known.set(name, known);
    }
    return known;
  }

  #below(): TypeNames {
    return new TypeNames(this, this.typeOf, this.imported, this.origin, this.metamethods);
  }

  #declarationOf(name: string): [Declaration, TypeNames] | undefined {
    const declared = this.#declared.get(name);
    if (declared) return [declared, this];
    return this.outer ? this.outer.#declarationOf(name) : undefined;
  }

  #declaration(declared: Declaration, args: Type[]): Type {
    const { name } = declared;
    if (declared.kind === "InterfaceDeclaration") {
      const fields = this.#fields(declared.methods);
      for (const base of declared.extends) {
        const inherited = expand(this.find(base) ?? dynamic);
        // What an unknown base has is not known.
        if (inherited.kind !== "interface") return dynamic;
        for (const [key, field] of inherited.fields) if (!fields.has(key)) fields.set(key, field);
      }
      return this.origin === undefined
        ? { kind: "interface", name, fields }
        : { kind: "interface", name, fields, closed: true, module: this.origin };
    }
    const { parameters } = declared;
    if (parameters.length !== args.length) return dynamic;
    const names = parameters.length === 0 ? this : this.#with(parameters, args);
    const type = names.resolve(declared.type);
    if (type.kind !== "record") return type;
    const metamethods = this.metamethods();
    return {
      ...type,
      ...(args.length === 0 && { name }),
      ...(metamethods.size > 0 && { metamethods }),
    };
  }

  #with(parameters: readonly TypeParameter[], args: Type[]): TypeNames {
    const names = this.#below();
    parameters.forEach(({ name }, index) => names.#bound.set(name, args[index]!));
    return names;
  }

  #fields(list: readonly RecordField[]): Map<string, Field> {
    return new Map(
      list.map(({ name, optional, type }) => [name, { optional, type: this.resolve(type) }]),
    );
  }

  /** The type that is written. */
  resolve(node: TypeNode): Type {
    switch (node.kind) {
      case "TypeName":
        return this.#named(node);
      case "Literal":
        return { kind: "literal", value: node.value };
      case "Optional":
        return this.origin !== undefined
          ? { kind: "maybe", inner: this.resolve(node.inner) }
          : union([this.resolve(node.inner), nil]);
      case "Union":
        return union(node.members.map((member) => this.resolve(member)));
      case "Intersection":
        return { kind: "intersection", members: node.members.map((each) => this.resolve(each)) };
      case "Array":
        return { kind: "array", element: this.resolve(node.element), ...this.#foreign };
      case "Map":
        return {
          kind: "map",
          key: this.resolve(node.key),
          value: this.resolve(node.value),
          ...this.#foreign,
        };
      case "Record":
        return {
          kind: "record",
          fields: this.#fields(node.fields),
          ...(this.origin !== undefined && { open: true }),
        };
      case "FunctionType": {
        const params = node.parameters.map(({ type }) => this.#parameter(type));
        const vararg = node.vararg && this.resolve(node.vararg);
        const results = node.results?.map((result) => this.resolve(result));
        const method = node.parameters[0]?.name === "self";
        const names = node.parameters.map(({ name }) => name);
        return { ...functionOf(params, vararg, results, method), names };
      }
      case "Validated":
        return this.resolve(node.base);
      case "Readonly":
        return this.resolve(node.inner);
      case "Typeof":
        return this.typeOf(node.expression);
      case "Keyof":
        return keysOf(this.resolve(node.type));
      case "Indexed":
        return indexed(this.resolve(node.object), this.resolve(node.index));
      case "Conditional": {
        const holds = extendsType(this.resolve(node.left), this.resolve(node.right));
        if (holds === undefined) return dynamic;
        return this.resolve(holds ? node.then : node.otherwise);
      }
      default:
        // Assertions, tuples and what is missing.
        return dynamic;
    }
  }

  get #foreign(): { foreign?: true } {
    return this.origin === undefined ? {} : { foreign: true };
  }

  /** What is given may be nil, or not: that is known. */
  #parameter(node: TypeNode): Type {
    return node.kind === "Optional"
      ? union([this.#parameter(node.inner), nil])
      : this.resolve(node);
  }

  #named({ module, name, args, local }: Extract<TypeNode, { kind: "TypeName" }>): Type {
    if (module !== undefined) return this.imported(module, local, name);
    if (this.origin !== undefined && name === "any") return dynamic;
    if (args.length === 0) return this.find(name) ?? dynamic;
    const found = this.#declarationOf(name);
    if (!found) return dynamic;
    const [declared, names] = found;
    const given = args.map((arg) => this.resolve(arg));
    const get = once(() => names.#declaration(declared, given));
    return { kind: "named", name, get, generic: { of: declared, args: given } };
  }

  /** The results of a call of a function that has type parameters. */
  #instantiated({ typeParameters, parameters, results }: FunctionBody, args: readonly Type[]) {
    const found = new TypeArguments(
      new Set(typeParameters.map(({ name }) => name)),
      (name) => this.#declarationOf(name)?.[0],
    );
    parameters.forEach(({ type }, index) => {
      if (type) found.compare(type, args[index] ?? dynamic);
    });
    const exact = typeParameters.map(({ name }) => found.of(name));
    const loose = exact.map((type) => ["literal", "integer"].includes(type.kind) ? dynamic : type);
    return results!.map((node) =>
      this.#with(typeParameters, isInvariant(node) ? loose : exact).resolve(node)
    );
  }

  /** The type of a function by its annotations. */
  functionType(body: FunctionBody, method: boolean): FunctionShape {
    const names = this.inside([], body.typeParameters);
    const own = body.parameters.map(({ type }) => type ? names.resolve(type) : dynamic);
    const params = method ? [dynamic, ...own] : own;
    const annotated = body.results !== undefined || body.parameters.some(({ type }) => type);
    const vararg = body.vararg
      ? body.vararg.type ? names.resolve(body.vararg.type) : dynamic
      // A function without annotations, or without parameters, takes whatever it is given.
      : annotated && own.length > 0
      ? undefined
      : dynamic;
    const results = body.results?.map((result) => names.resolve(result));
    const made = {
      ...functionOf(params, vararg, results, method),
      ...(body.typeParameters.length > 0 && results && {
        generic: (args: readonly Type[]) => this.#instantiated(body, method ? args.slice(1) : args),
      }),
    };
    const [first] = body.results ?? [];
    if (first?.kind !== "Asserts") return made;
    const place = body.parameters.findIndex(({ name }) => name === first.name);
    if (place < 0) return made;
    const type = first.type && names.resolve(first.type);
    return { ...made, asserts: { place: place + (method ? 1 : 0), ...(type && { type }) } };
  }
}

/** Makes a type when it is asked for. A type that is computed of itself is not known. */
function once(make: () => Type): () => Type {
  let made: Type | undefined;
  let isOpen = false;
  return () => {
    if (made || isOpen) return made ?? dynamic;
    isOpen = true;
    try {
      return made = make();
    } finally {
      isOpen = false;
    }
  };
}

function functionOf(
  params: Type[],
  vararg: Type | undefined,
  results: Type[] | undefined,
  method: boolean,
): FunctionShape {
  return {
    kind: "function",
    params,
    ...(vararg && { vararg }),
    ...(results && { results }),
    ...(method && { method }),
  };
}
