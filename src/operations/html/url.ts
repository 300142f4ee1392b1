/** A URL as it stands in an attribute. */
export interface AttributeUrl {
  /** In lower case; "" for a relative one. */
  scheme: string;
  /** "" where it has none. */
  host: string;
  query: string;
  fragment: string;
  /** What follows the scheme, where that is no path: `x@y.org` of `mailto:x@y.org`. */
  opaque: string;
  /** The whole, with what may not stand in a path escaped. */
  text: string;
}

const utf8 = new TextEncoder();

/** Percent-encodes what may not stand in a path or a fragment. */
function escaped(part: string): string {
  return part.replace(
    /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%?]/gu,
    (sign) =>
      [...utf8.encode(sign)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
        .join(""),
  );
}

/** Reads a URL; undefined for a text that is none. */
export function readUrl(source: string): AttributeUrl | undefined {
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x20\x7f]/.test(source)) return undefined;
  const hash = source.indexOf("#");
  const whole = hash < 0 ? source : source.slice(0, hash);
  const fragment = hash < 0 ? "" : source.slice(hash + 1);
  const begin = /^([a-zA-Z][a-zA-Z0-9+\-.]*):/.exec(whole);
  const scheme = (begin?.[1] ?? "").toLowerCase();
  let rest = begin ? whole.slice(begin[0].length) : whole;
  const mark = rest.indexOf("?");
  const query = mark < 0 ? "" : rest.slice(mark + 1);
  if (mark >= 0) rest = rest.slice(0, mark);
  const tail = (mark < 0 ? "" : `?${query}`) + (hash < 0 ? "" : `#${escaped(fragment)}`);
  const prefix = scheme === "" ? "" : `${scheme}:`;
  if (scheme !== "" && !rest.startsWith("/")) {
    return { scheme, host: "", query, fragment, opaque: rest, text: prefix + rest + tail };
  }
  let host = "";
  let authority = "";
  if (rest.startsWith("//")) {
    const end = rest.indexOf("/", 2);
    host = rest.slice(2, end < 0 ? undefined : end);
    if (!isHost(host)) return undefined;
    authority = `//${host}`;
    rest = end < 0 ? "" : rest.slice(end);
  }
  // A colon in the first part of a path would be taken for a scheme.
  if (scheme === "" && authority === "" && rest.split("/", 1)[0]!.includes(":")) return undefined;
  if (/%(?![\da-fA-F]{2})/.test(rest) || /%(?![\da-fA-F]{2})/.test(fragment)) return undefined;
  return {
    scheme,
    host,
    query,
    fragment,
    opaque: "",
    text: prefix + authority + escaped(rest) + tail,
  };
}

function isHost(authority: string): boolean {
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  return /^(?:\[[\da-fA-F:.]+\]|[^\s"<>\\^`{|}[\]:%]*)(?::\d*)?$/.test(host);
}
