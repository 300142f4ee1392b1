/**
 * The XML of S3, read and written: elements without attributes, whose names are known.
 * @module
 */

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** Nothing is looked up: an entity of the document's own stays as it is written. */
function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (all, decimal, hex, name) => {
    if (name !== undefined) return entities[name as string] ?? all;
    const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

/** The contents of all elements of a name; elements of the name are not inside of each other. */
export function elements(xml: string, name: string): string[] {
  const found: string[] = [];
  const [begin, end] = [`<${name}>`, `</${name}>`];
  for (let at = xml.indexOf(begin); at >= 0; at = xml.indexOf(begin, at)) {
    const close = xml.indexOf(end, at);
    if (close < 0) break;
    found.push(xml.slice(at + begin.length, close));
    at = close + end.length;
  }
  return found;
}

/** The text of the first element of a name. */
export function textOf(xml: string, name: string): string | undefined {
  const [content] = elements(xml, name);
  return content === undefined ? undefined : unescaped(content);
}

/** An element with a text. */
export function element(name: string, text: string): string {
  const escaped = text.replace(
    // Control characters too, where XML 1.0 lets nobody write them.
    // deno-lint-ignore no-control-regex
    /[&<>"'\0-\x1f]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
  return `<${name}>${escaped}</${name}>`;
}
