/**
 * Paths with the segments `.` and `..`, which Bun resolves in the URL of a request before anyone sees them. Its routes
 * are matched with the path as it was sent, so that routes can tell such requests from others.
 * @module
 */

/**
 * How dots may be written, and before how many segments they are looked for: each route costs time when a server
 * starts. Deeper ones are resolved without a redirect.
 */
const spellings: readonly (readonly [segments: string[], deepest: number])[] = [
  [[".", ".."], 16],
  [["%2e", "%2E", "%2e%2e", "%2E%2E"], 8],
];

const dotSegment = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** Whether the path of a URL, as it was written, has a segment `.` or `..`. @param url with scheme and host */
export function hasDotSegments(url: string): boolean {
  const begin = url.indexOf("/", url.indexOf("://") + 3);
  return begin >= 0 && dotSegment.test(url.slice(begin).split(/[?#]/, 1)[0]!);
}

/** Routes for `Bun.serve` that take the requests whose paths have a segment `.` or `..`. */
export function dotRoutes<Handle>(handle: Handle): Record<string, Handle> {
  const routes: Record<string, Handle> = {};
  for (const [segments, deepest] of spellings) {
    let before = "";
    for (let depth = 0; depth < deepest; depth++) {
      for (const segment of segments) {
        routes[`${before}/${segment}`] = handle;
        routes[`${before}/${segment}/*`] = handle;
      }
      before += `/:p${depth}`;
    }
  }
  return routes;
}
