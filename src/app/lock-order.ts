import { type Document, isMap, isSeq, type YAMLMap, type YAMLSeq } from "yaml";

/** The maps of a list, when each has a text under the key. */
function mapsOf(list: unknown, key: string): YAMLMap[] | undefined {
  if (!isSeq(list)) return undefined;
  const maps = list.items.filter((item) => isMap(item));
  const named = maps.every((map) => typeof map.get(key) === "string");
  return named && maps.length === list.items.length ? maps : undefined;
}

/** Sorts what a list holds; of items that are the same the first stays. */
function order(list: unknown, key: string, same: (map: YAMLMap) => string): void {
  const maps = mapsOf(list, key);
  if (maps === undefined) return;
  const once = new Map<string, YAMLMap>();
  for (const map of maps) if (!once.has(same(map))) once.set(same(map), map);
  const text = (map: YAMLMap) => String(map.get(key));
  (list as YAMLSeq).items = [...once.values()].sort((left, right) => {
    if (text(left) === text(right)) return 0;
    return text(left) < text(right) ? -1 : 1;
  });
}

/**
 * Puts the lists of a lock file in the order that they are written in: modules by name, each version once, and
 * replacements by the module that they replace. A list that is not as it should be stays as it is.
 */
export function orderLock(document: Document): void {
  order(document.get("modules"), "name", (map) => `${map.get("name")}@${map.get("version")}`);
  order(document.get("replacements"), "from", (map) => `${map.get("from")}=${map.get("to")}`);
}
