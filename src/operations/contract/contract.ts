import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import { decodeEntry } from "../../registry/decode.ts";
import { compareIds, type Entry, parseId, qualify } from "../../registry/entry.ts";
import { contractBinding, contractDefinition } from "../../registry/kinds/contract.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, LuaFloat, type LuaValue } from "../../vm/value.ts";
import { defineOperation, type Operation, type OperationServices } from "../operation.ts";

/** One contract that a binding implements. */
interface Implementation {
  contract: string;
  default: boolean;
  context_required: string[];
  methods: Record<string, string>;
}

function notFound(what: string, id: string): WippyError {
  return new WippyError("NotFound", `${what} not found: ${id}`, { retryable: false });
}

function checkId(id: string): void {
  const { namespace, name } = parseId(id);
  if (namespace !== "" && name !== "") return;
  throw new WippyError("Invalid", `invalid id: "${id}" (namespace:name expected)`, {
    retryable: false,
  });
}

function implementationsOf(entry: Entry, services: OperationServices): Implementation[] {
  const { namespace } = parseId(entry.id);
  return decodeEntry(contractBinding, entry, services.environment).contracts.map((one) => ({
    ...one,
    contract: qualify(one.contract, namespace),
    methods: Object.fromEntries(
      Object.entries(one.methods).map(([name, target]) => [name, qualify(target, namespace)]),
    ),
  }));
}

/** Bindings of a contract, in the order of their ids. */
function bindingsOf(contract: string, services: OperationServices, onlyDefault: boolean): string[] {
  const found: string[] = [];
  for (const entry of services.entries()) {
    if (entry.kind !== contractBinding.name) continue;
    const implemented = implementationsOf(entry, services)
      .some((one) => one.contract === contract && (one.default || !onlyDefault));
    if (implemented) found.push(entry.id);
  }
  return found.sort(compareIds);
}

function definitionOf(id: string, services: OperationServices) {
  const entry = services.entry(id);
  if (entry?.kind !== contractDefinition.name) throw notFound("contract", id);
  const { methods } = decodeEntry(contractDefinition, entry, services.environment);
  return methods.map(({ name, description, input_schemas, output_schemas }) => ({
    name,
    description,
    ...(input_schemas.length > 0 && { input_schemas }),
    ...(output_schemas.length > 0 && { output_schemas }),
  }));
}

/** A value of a query string: what it looks like. */
function queryValue(text: string): LuaValue {
  if (text === "true" || text === "false") return text === "true";
  if (/^[+-]?\d+$/.test(text)) {
    const integer = BigInt(text);
    if (BigInt.asIntN(64, integer) === integer) return integer;
  }
  if (/^[+-]?(?:\d+\.\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return new LuaFloat(Number(text));
  return text;
}

function decodePart(text: string, reference: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new WippyError("Invalid", `malformed query in binding "${reference}"`, {
      retryable: false,
    });
  }
}

/** Splits `namespace:name?key=value&…`; the first value of a key counts. */
function parseReference(reference: string): { id: string; values: Map<string, LuaValue> } {
  const mark = reference.indexOf("?");
  const id = mark < 0 ? reference : reference.slice(0, mark);
  checkId(id);
  const values = new Map<string, LuaValue>();
  for (const part of mark < 0 ? [] : reference.slice(mark + 1).split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const key = decodePart(equals < 0 ? part : part.slice(0, equals), reference);
    const value = decodePart(equals < 0 ? "" : part.slice(equals + 1), reference);
    if (key !== "" && !values.has(key)) values.set(key, queryValue(value));
  }
  return { id, values };
}

const id = lazy(() => z.string({ error: "an identifier is text" }));

/** Host operations of the module `contract`. */
export const contract: Operation[] = [
  defineOperation({
    name: "contract.parse",
    summary: "The identifier and the context values of a reference to a binding.",
    mode: "pure",
    arguments: () => [id()],
    run: (_context, reference) => asLua(parseReference(reference)),
  }),
  defineOperation({
    name: "contract.definition",
    summary: "The methods of a contract.",
    mode: "immediate",
    arguments: () => [id()],
    run({ services }, contractId) {
      checkId(contractId);
      return asLua(definitionOf(contractId, services));
    },
  }),
  defineOperation({
    name: "contract.binding",
    summary:
      "What a binding implements: of each contract its id, required context, functions and methods.",
    mode: "immediate",
    arguments: () => [id()],
    run({ services }, bindingId) {
      const entry = services.entry(bindingId);
      if (entry?.kind !== contractBinding.name) throw notFound("binding", bindingId);
      return asLua(
        implementationsOf(entry, services).map((one) => ({
          contract: one.contract,
          context_required: one.context_required,
          functions: one.methods,
          methods: definitionOf(one.contract, services).map(({ name }) => name),
        })),
      );
    },
  }),
  defineOperation({
    name: "contract.implementations",
    summary: "The bindings of a contract.",
    mode: "immediate",
    arguments: () => [id()],
    run({ services }, contractId) {
      checkId(contractId);
      definitionOf(contractId, services);
      return bindingsOf(contractId, services, false);
    },
  }),
  defineOperation({
    name: "contract.default",
    summary: "The binding of a contract that is taken where none is named.",
    mode: "immediate",
    arguments: () => [id()],
    run({ services }, contractId) {
      const [first] = bindingsOf(contractId, services, true);
      if (first !== undefined) return first;
      throw new WippyError("NotFound", `no default binding for contract: ${contractId}`, {
        retryable: false,
      });
    },
  }),
];
