/**
 * Which route serves a request: the most specific pattern wins, whatever the order of the routes.
 * @module
 */
import { WippyError } from "../../vm/error.ts";

/** A part of a pattern between slashes: a text, `{name}`, or what is left of the path. */
type Segment = { literal: string } | { param: string } | { tail: string };

/** One pattern with what it leads to. */
export interface Route<Target> {
  /** undefined: all methods. */
  method: string | undefined;
  path: string;
  /** Names it in errors. */
  id: string;
  target: Target;
}

interface Parsed<Target> extends Route<Target> {
  segments: Segment[];
}

/** What a path leads to. */
export type Match<Target> =
  | { route: Route<Target>; params: Record<string, string> }
  | { redirect: string }
  | { allow: string[] }
  | "none"
  | "malformed";

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/** What is wrong with the path of a route; undefined when it can be one. */
export function pathFault(path: string): string | undefined {
  try {
    parse("", path);
    return undefined;
  } catch (error) {
    return WippyError.from(error).message.replace(/^: /, "");
  }
}

/** The path with all its parameters alike: two routes with the same one fit the same paths. */
export function shapeOf(path: string): string {
  return path.replace(/\{\w+\}|:\w+/g, "{}").replace(/\{\w+\.\.\.\}/, "");
}

/** @throws WippyError Invalid */
function parse(id: string, path: string): Segment[] {
  const parts = path.split("/").slice(1);
  const names = new Set<string>();
  return parts.map((part, index): Segment => {
    const last = index === parts.length - 1;
    if (part === "" && last) return { tail: "" };
    if (part === "") throw invalid(`${id}: path ${path} has an empty segment`);
    const [, named, dots, colon] = /^(?:\{(\w+)(\.\.\.)?\}|:(\w+))$/.exec(part) ?? [];
    const name = named ?? colon;
    if (name === undefined) {
      if (!/[{}]/.test(part)) return { literal: part };
      throw invalid(`${id}: path ${path}: {…} must be a whole segment, {name} or {name...}`);
    }
    if (names.has(name)) throw invalid(`${id}: path ${path} has two parameters named ${name}`);
    names.add(name);
    if (dots === undefined) return { param: name };
    if (!last) throw invalid(`${id}: path ${path}: {${name}...} must be the last segment`);
    return { tail: name };
  });
}

/** How specific a segment is: literal, one segment, the rest. */
function rank(segment: Segment): number {
  return "literal" in segment ? 0 : "param" in segment ? 1 : 2;
}

/** How the paths of one pattern lie to those of another. */
function relation(
  left: Segment[],
  right: Segment[],
): "apart" | "same" | "inside" | "around" | "overlap" {
  let inside = false;
  let around = false;
  for (let index = 0;; index++) {
    const a = left[index];
    const b = right[index];
    if (a === undefined && b === undefined) break;
    const aTail = a !== undefined && "tail" in a;
    const bTail = b !== undefined && "tail" in b;
    if (aTail && bTail) break;
    if (a === undefined || b === undefined) return "apart";
    if (bTail) inside = true;
    else if (aTail) around = true;
    else if ("literal" in a && "literal" in b) {
      if (a.literal !== b.literal) return "apart";
      continue;
    } else if (rank(a) < rank(b)) inside = true;
    else if (rank(a) > rank(b)) around = true;
    if (aTail || bTail) break;
  }
  if (inside && around) return "overlap";
  return inside ? "inside" : around ? "around" : "same";
}

/** Two routes that fit the same paths, neither more specific. */
interface RouteConflict {
  /** Of the later one. */
  id: string;
  message: string;
}

function* conflictsIn<Target>(routes: readonly Parsed<Target>[]): Generator<RouteConflict> {
  for (const [index, left] of routes.entries()) {
    for (const right of routes.slice(0, index)) {
      if (left.method !== right.method) continue;
      const how = relation(left.segments, right.segments);
      const alike = left.segments.length === right.segments.length;
      if (how !== "same" && !(how === "overlap" && alike)) continue;
      const message = `${right.id} and ${left.id} conflict: ${left.method ?? "all methods of"} ` +
        `${right.path} and ${left.path} fit the same paths, and neither is more specific`;
      yield { id: left.id, message };
    }
  }
}

/** The conflicts of routes. Those whose paths cannot be routes have none. */
export function routeConflicts(routes: readonly Route<null>[]): RouteConflict[] {
  const sound = routes.filter(({ path }) => pathFault(path) === undefined);
  return [...conflictsIn(sound.map((route) => ({ ...route, segments: parse("", route.path) })))];
}

/** The path without empty segments, `.` and `..`; a slash at its end stays. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  const slash = parts.length > 0 && /\/\.{0,2}$/.test(path);
  return `/${parts.join("/")}${slash ? "/" : ""}`;
}

/** Paths that are known by heart. */
const mostKnown = 1_000;

/** The routes of a server. */
export class RouteTable<Target> {
  readonly #routes: Parsed<Target>[];
  /** Routes without parameters that were found, by method and path. */
  readonly #known = new Map<string, Map<string, Match<Target>>>();
  #knownPaths = 0;

  /** @throws WippyError Invalid for a pattern; Conflict for two that fit the same paths, neither more specific */
  constructor(routes: readonly Route<Target>[]) {
    this.#routes = routes.map((route) => ({ ...route, segments: parse(route.id, route.path) }));
    for (const { message } of conflictsIn(this.#routes)) {
      throw new WippyError("Conflict", message, { retryable: false });
    }
    // The more specific one first, segment by segment: the first that fits is the one that is wanted.
    this.#routes.sort((left, right) => {
      for (const [index, a] of left.segments.entries()) {
        const b = right.segments[index];
        if (b === undefined) return 1;
        if (rank(a) !== rank(b)) return rank(a) - rank(b);
      }
      if (left.segments.length !== right.segments.length) return -1;
      return Number(left.method === undefined) - Number(right.method === undefined);
    });
  }

  get size(): number {
    return this.#routes.length;
  }

  #fitting(
    path: string[],
    accepts: (method: string | undefined) => boolean,
  ): Parsed<Target> | undefined {
    return this.#routes.find(({ method, segments }) => accepts(method) && fits(segments, path));
  }

  /** A cached result of `match` for the same method and path; undefined if there is none. */
  known(method: string, path: string): Match<Target> | undefined {
    return this.#known.get(method)?.get(path);
  }

  /** Finds the route of a request. `path` is the path of the URL, still encoded. */
  match(method: string, path: string): Match<Target> {
    const found = this.#match(method, path);
    if (typeof found === "string" || !("route" in found)) return found;
    for (const _ in found.params) return found;
    if (this.#knownPaths >= mostKnown) {
      this.#known.clear();
      this.#knownPaths = 0;
    }
    const paths = this.#known.get(method) ?? new Map<string, Match<Target>>();
    this.#known.set(method, paths.set(path, found));
    this.#knownPaths += 1;
    return found;
  }

  #match(method: string, path: string): Match<Target> {
    const clean = cleanPath(path);
    if (clean !== path) return { redirect: clean };
    const raw = path.split("/").slice(1);
    let decoded: string[];
    try {
      decoded = raw.map(decodeURIComponent);
    } catch {
      return "malformed";
    }
    const suits = (own: string | undefined) =>
      own === undefined || own === method || own === "GET" && method === "HEAD";
    // HEAD is served by its own route, if there is one as specific as that of GET.
    const own = this.#fitting(decoded, (each) => each === undefined || each === method);
    const any = method === "HEAD" ? this.#fitting(decoded, suits) : own;
    const route = own !== undefined && any !== undefined && own !== any &&
        relation(own.segments, any.segments) !== "around"
      ? own
      : any;
    const below = path.endsWith("/") ? undefined : [...decoded, ""];
    // What fits only as one path of a tree gives way to the very path with a slash.
    if (below && (route === undefined || isTree(route)) && this.#fits(below, suits)) {
      return { redirect: `${path}/` };
    }
    if (route !== undefined) return { route, params: paramsOf(route.segments, decoded) };
    const allow = new Set<string>();
    for (const { method: other, segments } of this.#routes) {
      if (other === undefined) continue;
      if (!fits(segments, decoded) && !(below && fits(segments, below))) continue;
      allow.add(other);
      if (other === "GET") allow.add("HEAD");
    }
    return allow.size > 0 ? { allow: [...allow].sort() } : "none";
  }

  /** Whether a route fits a path with a slash at its end, and not only as one path of a tree above it. */
  #fits(path: string[], accepts: (method: string | undefined) => boolean): boolean {
    const found = this.#fitting(path, accepts);
    return found !== undefined && (!isTree(found) || found.segments.length === path.length);
  }
}

/** Whether a pattern stands for all that is below a path. */
function isTree({ segments }: { segments: Segment[] }): boolean {
  const last = segments.at(-1);
  return last !== undefined && "tail" in last;
}

function fits(segments: Segment[], path: string[]): boolean {
  for (const [index, segment] of segments.entries()) {
    const part = path[index];
    if ("tail" in segment) return part !== undefined;
    if (part === undefined) return false;
    if ("literal" in segment ? segment.literal !== part : part === "") return false;
  }
  return segments.length === path.length;
}

/** Those of one segment; empty ones are left out, and what a tail stands for is in the path. */
function paramsOf(segments: Segment[], path: string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    if ("param" in segment && path[index]) params[segment.param] = path[index];
  }
  return params;
}
