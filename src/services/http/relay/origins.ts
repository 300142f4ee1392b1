/** Items of a list with commas, in lower case. */
function listOf(text: string): string[] {
  return text.toLowerCase().split(",").map((item) => item.trim()).filter((item) => item !== "");
}

/** The pattern as a regular expression: `*` and `?` stand for what is no slash. */
function globOf(pattern: string): RegExp {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]*").replaceAll("?", "[^/]");
  return new RegExp(`^${source}$`);
}

/** The first of these options that is there. */
export function originPatterns(
  options: Readonly<Record<string, string>>,
  name: string,
): string[] {
  return listOf(
    options[`${name}.allowed.origins`] ?? options["allow_origins"] ?? options["allowed_origins"] ??
      "",
  );
}

/** The parts of an origin, in lower case; undefined for `null` and for nonsense. */
function partsOf(origin: string): { scheme: string; host: string } | undefined {
  const [, scheme, host] = /^([a-z][a-z0-9+.-]*):\/\/([^/]+)$/.exec(origin.toLowerCase()) ?? [];
  return scheme === undefined || host === undefined ? undefined : { scheme, host };
}

/**
 * Whether a page may open a WebSocket: one of the server's own host, or of a host that a pattern fits. A pattern with
 * a scheme fits scheme and host. Who is no browser sends no origin.
 */
export function allowsSocket(patterns: readonly string[], request: Request): boolean {
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  const parts = partsOf(origin);
  if (parts?.host === request.headers.get("host")?.toLowerCase()) return true;
  return patterns.some((pattern) =>
    pattern === "*" || parts !== undefined &&
      globOf(pattern).test(pattern.includes("://") ? `${parts.scheme}://${parts.host}` : parts.host)
  );
}

/**
 * Whether a page may read a stream of events: one whose origin a pattern fits; without patterns, one of the server's
 * own scheme and host.
 *
 * @param secure whether the connection is encrypted
 */
export function allowsEvents(
  patterns: readonly string[],
  request: Request,
  secure: boolean,
): boolean {
  const origin = request.headers.get("origin")?.toLowerCase();
  if (origin === undefined) return true;
  if (patterns.length > 0) {
    return patterns.some((pattern) => pattern === "*" || globOf(pattern).test(origin));
  }
  const forwarded = request.headers.get("x-forwarded-proto")?.split(",")[0]?.trim().toLowerCase();
  const scheme = forwarded || (secure ? "https" : "http");
  return origin === `${scheme}://${request.headers.get("host")?.toLowerCase()}`;
}
