import { decodeEntry } from "../../registry/decode.ts";
import type { Entry } from "../../registry/entry.ts";
import { fromLua, isMap, type ValueMap } from "../../registry/expression/value.ts";
import { setOf, templateJet, templateName, templateSet } from "../../registry/kinds/template.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua } from "../../vm/value.ts";
import type { OperationServices } from "../operation.ts";
import { parseTemplate, type Template } from "./jet/jet.ts";

/** Parsed templates. A changed entry is another object. */
const parsed = new WeakMap<Entry, { set: Entry; template: Template }>();

/** The entry of a set. @throws WippyError Invalid, NotFound */
export function setEntry(services: OperationServices, id: string): Entry {
  if (id === "") throw new WippyError("Invalid", "empty template set id", { retryable: false });
  const entry = services.entry(id);
  if (entry?.kind === templateSet.name) return entry;
  throw new WippyError("NotFound", `template set not found: ${id}`, { retryable: false });
}

/** The templates of a set. */
export class TemplateSet {
  readonly globals: ValueMap;
  readonly #services: OperationServices;
  readonly #set: Entry;
  readonly #engine: ReturnType<typeof decodeSet>;
  readonly #templates = new Map<string, Entry>();

  /** @throws WippyError Invalid, NotFound */
  constructor(services: OperationServices, id: string) {
    this.#services = services;
    this.#set = setEntry(services, id);
    this.#engine = decodeSet(this.#set, services);
    const globals = fromLua(asLua(this.#engine.globals));
    this.globals = isMap(globals) ? globals : Object.create(null);
    for (const entry of services.entries()) {
      if (entry.kind === templateJet.name && setOf(entry) === id) {
        this.#templates.set(templateName(entry), entry);
      }
    }
  }

  /**
   * The template of a name, as it is or as a path (`./page`), with or without its extension.
   *
   * @throws TemplateError
   */
  find(name: string): Template | undefined {
    const bare = name.replace(/^(?:\.?\/)+/, "");
    const extension = this.#engine.extensions.find((each) => bare.endsWith(each));
    const short = extension === undefined ? [] : [bare.slice(0, -extension.length)];
    const long = this.#engine.extensions.map((each) => bare + each);
    for (const each of [name, bare, ...short, ...long]) {
      const entry = this.#templates.get(each);
      if (entry) return this.#parse(each, entry);
    }
    return undefined;
  }

  #parse(name: string, entry: Entry): Template {
    const known = parsed.get(entry);
    if (known?.set === this.#set && !this.#engine.development_mode) return known.template;
    const { source } = decodeEntry(templateJet, entry, this.#services.environment);
    const template = parseTemplate(name, source, this.#engine.delimiters);
    parsed.set(entry, { set: this.#set, template });
    return template;
  }
}

function decodeSet(entry: Entry, services: OperationServices) {
  return decodeEntry(templateSet, entry, services.environment).engine;
}
