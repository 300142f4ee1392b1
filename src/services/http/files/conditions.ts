/** By what a client recognizes a version of a file. */
export interface Validators {
  etag: string;
  /** Milliseconds since 1970. */
  modified: number;
}

/** The time of a header, in whole seconds; undefined when it is none. */
function secondsOf(text: string | null): number | undefined {
  const time = text === null ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

/** Whether a list of tags has this one. Strongly: a weak tag is like no other. */
function lists(header: string, etag: string, strongly: boolean): boolean {
  if (header.trim() === "*") return true;
  const strip = (tag: string) => strongly ? tag : tag.replace(/^W\//, "");
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => strip(tag) === strip(etag) && !(strongly && tag.startsWith("W/")));
}

/** What the conditions of a request say: go on, 304 (the client has it), 412 (it is another one by now). */
export function conditionOf(request: Request, { etag, modified }: Validators): 200 | 304 | 412 {
  const { headers, method } = request;
  const seconds = Math.floor(modified / 1000);
  const match = headers.get("if-match");
  const unmodified = secondsOf(headers.get("if-unmodified-since"));
  if (
    match !== null ? !lists(match, etag, true) : unmodified !== undefined && seconds > unmodified
  ) {
    return 412;
  }
  const reads = method === "GET" || method === "HEAD";
  const none = headers.get("if-none-match");
  if (none !== null) {
    if (!lists(none, etag, false)) return 200;
    return reads ? 304 : 412;
  }
  const since = secondsOf(headers.get("if-modified-since"));
  return reads && since !== undefined && seconds <= since ? 304 : 200;
}

/** Whether a header `If-Range`, if there is one, names this version, so that parts of it are wanted. */
export function rangeApplies(request: Request, { etag, modified }: Validators): boolean {
  const header = request.headers.get("if-range");
  if (header === null) return true;
  if (/^(?:W\/)?"/.test(header)) return lists(header, etag, true);
  return secondsOf(header) === Math.floor(modified / 1000);
}
