import { compilePattern } from "../../registry/pattern.ts";
import { WippyError } from "../../vm/error.ts";
import { type AttributeRule, type Preset, type PresetName, presets } from "./presets.ts";
import { type AttributeUrl, readUrl } from "./url.ts";

/** One call of a method of a policy: its name and its arguments. */
export type Call = readonly [name: string, ...given: (string | boolean | CallRule)[]];

/** Attributes that a call allows. */
interface CallRule {
  /** Lists; an empty one of Lua is an object. */
  names: readonly string[] | object;
  pattern?: string | undefined;
  elements?: readonly string[] | object | undefined;
}

function listOf(value: readonly string[] | object): readonly string[] {
  return Array.isArray(value) ? value : [];
}

type Matches = ((value: string) => boolean) | undefined;

/** What a sanitizer lets through. */
export class Policy {
  /** Allowed elements, each with the rules of its attributes by name. */
  readonly elements = new Map<string, Map<string, Matches[]>>();
  /** Rules of attributes on every element. */
  readonly attributes = new Map<string, Matches[]>();
  /** Schemes of URLs, with a further test of them. */
  readonly schemes = new Map<string, ((url: AttributeUrl) => boolean) | undefined>();
  relativeUrls = false;
  parseableUrls = false;
  nofollow = false;
  noreferrer = false;
  targetBlank = false;

  /** @throws WippyError Invalid: a regular expression that is none */
  constructor(calls: readonly Call[]) {
    for (const [name, ...given] of calls) this.#call(name, given);
  }

  #call(name: string, given: readonly (string | boolean | CallRule)[]): void {
    const [first] = given;
    switch (name) {
      case "allow_elements":
        for (const element of given) this.#element(String(element));
        return;
      case "allow_attrs":
        return this.#rule(first as CallRule);
      case "allow_standard_urls":
        return this.#standardUrls();
      case "allow_url_schemes":
        this.parseableUrls = true;
        for (const scheme of given) this.schemes.set(String(scheme).toLowerCase(), undefined);
        return;
      case "allow_relative_urls":
        this.parseableUrls = true;
        this.relativeUrls = first === true;
        return;
      case "require_parseable_urls":
        this.parseableUrls = first === true;
        return;
      case "require_nofollow_on_links":
        this.parseableUrls = true;
        this.nofollow = first === true;
        return;
      case "require_noreferrer_on_links":
        this.parseableUrls = true;
        this.noreferrer = first === true;
        return;
      case "add_target_blank_to_fully_qualified_links":
        this.parseableUrls = true;
        this.targetBlank = first === true;
        return;
      case "allow_data_uri_images":
        this.parseableUrls = true;
        this.#attribute({ names: ["src"], elements: ["img"] });
        this.schemes.set("data", isImage);
        return;
      case "ugc":
        this.#standardUrls();
        return this.#preset("ugc");
      case "allow_images":
        this.#standardUrls();
        return this.#preset("images");
      default:
        return this.#preset(name.replace("allow_", "") as PresetName);
    }
  }

  #standardUrls(): void {
    this.parseableUrls = true;
    this.relativeUrls = true;
    this.nofollow = true;
    for (const scheme of ["mailto", "http", "https"]) this.schemes.set(scheme, undefined);
  }

  #preset(name: PresetName): void {
    const { elements = [], attributes = [], includes = [] }: Preset = presets[name];
    for (const other of includes) this.#preset(other);
    for (const element of elements) this.#element(element);
    for (const rule of attributes) this.#attribute(rule);
  }

  #element(name: string): Map<string, Matches[]> {
    const key = name.toLowerCase();
    let rules = this.elements.get(key);
    if (!rules) {
      rules = new Map();
      this.elements.set(key, rules);
    }
    return rules;
  }

  #rule({ names, pattern, elements }: CallRule): void {
    const expression = pattern === undefined ? undefined : patternOf(pattern);
    this.#attribute({
      names: listOf(names),
      elements: elements && listOf(elements),
      ...(expression && { matches: (value) => expression.matcher(value).find() }),
    });
  }

  #attribute({ names, elements, matches }: AttributeRule): void {
    const targets = elements?.map((element) => this.#element(element)) ?? [this.attributes];
    for (const rules of targets) {
      for (const name of names) {
        const key = name.toLowerCase();
        rules.set(key, [...rules.get(key) ?? [], matches]);
      }
    }
  }

  /** Whether an attribute may have a value on an element. */
  allows(element: string, name: string, value: string): boolean {
    for (const rules of [this.elements.get(element), this.attributes]) {
      if (rules?.get(name)?.some((matches) => !matches || matches(value))) return true;
    }
    return false;
  }

  /** A URL as it is written; undefined when it is not allowed. */
  url(value: string): string | undefined {
    if (!this.parseableUrls) return value;
    let text = value.trim();
    // White space inside of data is only there to break the line.
    if (/^data:/i.test(text)) text = text.replace(/\s+/g, "");
    const url = readUrl(text);
    if (!url) return undefined;
    if (url.scheme === "") return this.relativeUrls && url.text !== "" ? url.text : undefined;
    if (!this.schemes.has(url.scheme)) return undefined;
    return this.schemes.get(url.scheme)?.(url) === false ? undefined : url.text;
  }
}

function isImage({ opaque, query, fragment }: AttributeUrl): boolean {
  const image = /^image\/(?:gif|jpeg|png|svg\+xml|webp);base64,([A-Za-z0-9+/]*={0,2})$/.exec(
    opaque,
  );
  return image !== null && image[1]!.length % 4 === 0 && query === "" && fragment === "";
}

/** A regular expression (RE2). @throws WippyError Invalid */
export function patternOf(pattern: string) {
  try {
    return compilePattern(pattern);
  } catch (error) {
    const reason = (error as Error).message;
    throw new WippyError("Invalid", `regular expression ${JSON.stringify(pattern)}: ${reason}`, {
      retryable: false,
    });
  }
}
