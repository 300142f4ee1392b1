import { isMap, type Section } from "./config.ts";

/** Lays one map over another, key by key; lists and scalars are replaced whole. */
export function overlay(below: Section, above: Section): Section {
  const result: Section = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const present = result[key];
    result[key] = isMap(present) && isMap(value) ? overlay(present, value) : value;
  }
  return result;
}

/** Lists of `disable` that a profile may edit instead of replacing them. */
const editedLists = ["namespaces", "entries"];

/**
 * Lays a profile over the configuration. In `disable`, `namespaces.add`, `namespaces.remove`, `entries.add` and
 * `entries.remove` edit what is there; both ways of writing the keys are taken, nested and with a dot.
 */
export function overlayProfile(below: Section, profile: Section): Section {
  const { disable, ...others } = profile;
  const result = overlay(below, others);
  if (!isMap(disable)) return disable === undefined ? result : { ...result, disable };
  const lists: Section = isMap(below["disable"]) ? { ...below["disable"] } : {};
  const rest: Section = { ...disable };
  for (const name of editedLists) {
    const nested = isMap(rest[name]) ? rest[name] : {};
    const added = rest[`${name}.add`] ?? nested["add"];
    const removed = listOf(rest[`${name}.remove`] ?? nested["remove"]);
    if (isMap(rest[name])) delete rest[name];
    delete rest[`${name}.add`];
    delete rest[`${name}.remove`];
    const present = listOf(rest[name] ?? lists[name]);
    delete rest[name];
    const edited = [...new Set([...present, ...listOf(added)])];
    if (edited.length > 0) lists[name] = edited.filter((item) => !removed.includes(item));
    else if (present.length === 0 && Object.hasOwn(disable, name)) lists[name] = [];
  }
  return { ...result, disable: overlay(lists, rest) };
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}
