import { type Token, Tokenizer, TokenizerMode } from "parse5";
import type { Policy } from "./policy.ts";
import { readUrl } from "./url.ts";

/** Elements whose content goes with them. */
const dropped = new Set(
  "script style iframe frame frameset object noscript noembed noframes nostyle".split(" "),
);

/** Elements that mean something without attributes. All others go when none is left. */
const bare = new Set(
  ("abbr acronym address article aside audio b bdi blockquote body br button canvas caption center " +
    "cite code col colgroup datalist dd del details dfn div dl dt em fieldset figcaption figure " +
    "footer h1 h2 h3 h4 h5 h6 head header hgroup hr html i ins kbd li mark marquee nav ol optgroup " +
    "option p picture pre q rp rt ruby s samp script section select small span strike strong style " +
    "sub summary sup svg table tbody td textarea tfoot th thead time title tr tt u ul var video wbr")
    .split(" "),
);

/** The attribute of an element that is a URL. */
const urlAttributes: Readonly<Record<string, string>> = {
  a: "href",
  area: "href",
  base: "href",
  link: "href",
  blockquote: "cite",
  del: "cite",
  ins: "cite",
  q: "cite",
  audio: "src",
  embed: "src",
  iframe: "src",
  img: "src",
  input: "src",
  script: "src",
  source: "src",
  track: "src",
  video: "src",
};

const links = new Set(["a", "area", "base", "link"]);

/** How the content of an element is read, where it is no markup. */
const modes: Readonly<Record<string, Tokenizer["state"]>> = {
  title: TokenizerMode.RCDATA,
  textarea: TokenizerMode.RCDATA,
  iframe: TokenizerMode.RAWTEXT,
  noembed: TokenizerMode.RAWTEXT,
  noframes: TokenizerMode.RAWTEXT,
  noscript: TokenizerMode.RAWTEXT,
  style: TokenizerMode.RAWTEXT,
  xmp: TokenizerMode.RAWTEXT,
  script: TokenizerMode.SCRIPT_DATA,
  plaintext: TokenizerMode.PLAINTEXT,
};

interface Attribute {
  name: string;
  value: string;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "'": "&#39;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "\r": "&#13;",
};

function escaped(text: string): string {
  return text.replace(/[&'<>"\r]/g, (sign) => entities[sign]!);
}

/** Returns what a policy lets through of HTML. It takes time in proportion to the text. */
export function sanitize(policy: Policy, html: string): string {
  const run = new Run(policy);
  const tokenizer = new Tokenizer({ sourceCodeLocationInfo: false }, {
    onComment() {},
    onDoctype() {},
    onEof() {},
    onStartTag(token) {
      const mode = modes[token.tagName];
      if (mode !== undefined) {
        tokenizer.state = mode;
        tokenizer.lastStartTagName = token.tagName;
      }
      run.start(token);
    },
    onEndTag: ({ tagName }) => run.end(tagName),
    onCharacter: ({ chars }) => run.text(chars),
    onNullCharacter: () => run.text("\ufffd"),
    onWhitespaceCharacter: ({ chars }) => run.text(chars),
  });
  tokenizer.write(html, true);
  return run.parts.join("");
}

/** One text on its way through a policy. */
class Run {
  readonly parts: string[] = [];
  readonly #policy: Policy;
  /** Elements around the place whose content is dropped. */
  #dropping = 0;
  /** Elements whose tags were dropped, so that their end tags are too. */
  readonly #without: string[] = [];
  /** The element whose content is code, while it is open. */
  #code = "";

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  start({ tagName: name, attrs, selfClosing }: Token.TagToken): void {
    if (name === "script" || name === "style") {
      this.#code = name;
      return;
    }
    if (!this.#policy.elements.has(name)) {
      if (dropped.has(name) && !selfClosing) this.#dropping++;
      return;
    }
    const attributes = this.#attributes(name, attrs);
    if (attributes.length === 0 && !bare.has(name)) {
      if (!selfClosing) this.#without.push(name);
      return;
    }
    if (this.#dropping > 0) return;
    const written = attributes.map(({ name: key, value }) => ` ${key}="${escaped(value)}"`).join(
      "",
    );
    this.parts.push(`<${name}${written}${selfClosing ? "/" : ""}>`);
  }

  end(name: string): void {
    if (name === "script" || name === "style") {
      this.#code = "";
      return;
    }
    if (this.#without.at(-1) === name) {
      this.#without.pop();
      return;
    }
    if (!this.#policy.elements.has(name)) {
      if (dropped.has(name) && this.#dropping > 0) this.#dropping--;
      return;
    }
    if (this.#dropping === 0) this.parts.push(`</${name}>`);
  }

  text(characters: string): void {
    if (this.#dropping === 0 && this.#code === "") this.parts.push(escaped(characters));
  }

  #attributes(element: string, given: readonly Attribute[]): Attribute[] {
    const policy = this.#policy;
    const kept: Attribute[] = [];
    for (const { name, value } of given) {
      if (!policy.allows(element, name, value)) continue;
      const url = urlAttributes[element] === name ? policy.url(value) : value;
      if (url !== undefined) kept.push({ name, value: url });
    }
    const href = links.has(element) && kept.find(({ name }) => name === "href");
    if (href) this.#protect(element, kept, readUrl(href.value)?.host !== "");
    return kept;
  }

  /** Adds to a link what the policy requires of links. */
  #protect(element: string, attributes: Attribute[], external: boolean): void {
    const { nofollow, noreferrer, targetBlank } = this.#policy;
    const related = [nofollow && "nofollow", noreferrer && "noreferrer"].filter((each) =>
      typeof each === "string"
    );
    relate(attributes, related);
    if (element !== "a") return;
    const target = attributes.find(({ name }) => name === "target");
    if (targetBlank && external) {
      if (target) target.value = "_blank";
      else attributes.push({ name: "target", value: "_blank" });
      relate(attributes, ["noopener"]);
    }
  }
}

function relate(attributes: Attribute[], words: readonly string[]): void {
  if (words.length === 0) return;
  const rel = attributes.find(({ name }) => name === "rel");
  if (!rel) {
    attributes.push({ name: "rel", value: words.join(" ") });
    return;
  }
  for (const word of words) if (!rel.value.includes(word)) rel.value += ` ${word}`;
}
