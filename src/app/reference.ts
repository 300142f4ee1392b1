import { type Entry, parseId, qualify } from "../registry/entry.ts";
import { pathText } from "../registry/fault.ts";
import { kinds } from "../registry/kinds.ts";
import type { Reference } from "../registry/kind.ts";
import { nearest } from "../registry/suggestion.ts";
import type { CodeFault } from "./code-graph.ts";

/** The texts at a path in which `*` stands for every element. */
function textsAt(
  value: unknown,
  path: readonly string[],
  walked: PropertyKey[] = [],
): { text: string; path: PropertyKey[] }[] {
  const [key, ...rest] = path;
  if (key === undefined) {
    return typeof value === "string" && value !== "" ? [{ text: value, path: walked }] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  if (key !== "*") {
    const inner = (value as Record<string, unknown>)[key];
    return textsAt(inner, rest, [...walked, key]);
  }
  const list = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return list.flatMap(([at, inner]) => textsAt(inner, rest, [...walked, at]));
}

function acceptsKind(reference: Reference, kind: string): boolean {
  // An entry of an unknown kind is reported for that; what refers to it is not to blame.
  if (reference.kinds === undefined || !kinds.has(kind)) return true;
  return reference.kinds.some((wanted) =>
    wanted.endsWith(".") ? kind.startsWith(wanted) : kind === wanted
  );
}

/** What `kinds` of a reference means in words. */
function kindWords(reference: Reference): string {
  return (reference.kinds ?? []).map((kind) => kind.endsWith(".") ? `${kind}*` : kind).join(" or ");
}

/** A process that is called like a function names the host that it runs on in its metadata. */
const metaReferences: readonly Reference[] = [
  { path: ["default_host"], bareName: false, kinds: ["process.host"] },
  { path: ["options", "default_host"], bareName: false, kinds: ["process.host"] },
];

/** Checks the fields of an entry that name other entries. */
export function checkReferences(
  entry: Entry,
  data: Record<string, unknown>,
  entries: ReadonlyMap<string, Entry>,
): CodeFault[] {
  const kind = kinds.get(entry.kind);
  if (kind === undefined) return [];
  const check = (part: "data" | "meta", value: unknown) => (reference: Reference) =>
    textsAt(value, reference.path).flatMap(({ text, path }): CodeFault[] => {
      const wrong = checkReference(entry, reference, text, pathText(path), entries);
      return wrong === undefined ? [] : [{ entry: entry.id, path: [part, ...path], ...wrong }];
    });
  return [
    ...kind.references.flatMap(check("data", data)),
    ...[...metaReferences, ...kind.metaReferences].flatMap(check("meta", entry.meta)),
    ...kind.metaReferences.flatMap(({ path, required }): CodeFault[] =>
      required === undefined || textsAt(entry.meta, path).length > 0 ? [] : [{
        entry: entry.id,
        path: ["meta", ...path],
        message: `meta.${pathText(path)} is required`,
        fix: required,
      }]
    ),
  ];
}

function checkReference(
  entry: Entry,
  reference: Reference,
  text: string,
  field: string,
  entries: ReadonlyMap<string, Entry>,
): { message: string; fix: string } | undefined {
  const { namespace } = parseId(entry.id);
  const qualified = qualify(text, namespace);
  if (!reference.bareName && !text.includes(":")) {
    const known = entries.has(qualified);
    return {
      message: `${field} must be a full identifier, not "${text}"`,
      fix: `write "${known ? qualified : "namespace:name"}"`,
    };
  }
  const target = entries.get(qualified);
  if (target === undefined) {
    const wanted = [...entries.values()].filter((candidate) =>
      kinds.has(candidate.kind) && acceptsKind(reference, candidate.kind)
    );
    const near = nearest(qualified, wanted.map((candidate) => candidate.id));
    const words = kindWords(reference);
    return {
      message: `${field} names an unknown entry: ${qualified}`,
      fix: near === undefined
        ? `add an entry of that name${words === "" ? "" : `, of kind ${words}`}`
        : `did you mean "${near}"?`,
    };
  }
  if (acceptsKind(reference, target.kind)) return undefined;
  return {
    message: `${field} names ${qualified}, which is a ${target.kind}`,
    fix: `name an entry of kind ${kindWords(reference)}`,
  };
}
