import { parsePayload } from "../registry/decode.ts";
import { type Entry, hasFields, parseId, qualify } from "../registry/entry.ts";
import { namespaceDependency, namespaceRequirement } from "../registry/kinds/namespace.ts";
import { setPath } from "./override.ts";

/** Something about one requirement that deserves a warning. */
export interface LinkWarning {
  entry: string;
  message: string;
  fix: string;
}

interface Parameter {
  /** `org/module` */
  component: string;
  name: string;
  value: string;
}

function readParameters(entries: Iterable<Entry>): Parameter[] {
  const parameters: Parameter[] = [];
  for (const entry of entries) {
    if (entry.kind !== namespaceDependency.name) continue;
    const decoded = parsePayload(namespaceDependency.schema, structuredClone(entry.data));
    if (!decoded.success) continue;
    const { component } = decoded.data;
    parameters.push(...decoded.data.parameters.map((parameter) => ({ component, ...parameter })));
  }
  return parameters;
}

function answers(parameter: Parameter, requirement: Entry): boolean {
  const ofComponent = requirement.meta["module"] === parameter.component;
  const { namespace, name } = parseId(parameter.name);
  if (namespace === "") return ofComponent && parseId(requirement.id).name === name;
  if (parameter.name === requirement.id) return true;
  const component = parameter.component.replace("/", ".");
  return ofComponent && namespace === component && parseId(requirement.id).name === name;
}

/** Adds to the list at a dotted path, unless the value is there already. */
function append(root: Record<string, unknown>, path: string, value: string): boolean {
  let present: unknown = root;
  for (const part of path.split(".")) {
    present = typeof present === "object" && present !== null
      ? (present as Record<string, unknown>)[part]
      : undefined;
  }
  // A list that holds nothing, as in `modules:`, is as if it were not written.
  const list: unknown = present ?? [];
  if (!Array.isArray(list)) return false;
  if (!list.includes(value)) setPath(root, path, [...list, value]);
  return true;
}

/** Writes the value of every `ns.requirement` into its targets, which are changed in place. */
export function linkRequirements(entries: ReadonlyMap<string, Entry>): LinkWarning[] {
  const warnings: LinkWarning[] = [];
  const parameters = readParameters(entries.values());
  for (const requirement of entries.values()) {
    if (requirement.kind !== namespaceRequirement.name) continue;
    const decoded = parsePayload(
      namespaceRequirement.schema,
      structuredClone(requirement.data),
    );
    if (!decoded.success) continue;
    const warn = (message: string, fix: string) =>
      warnings.push({ entry: requirement.id, message, fix });
    const given = parameters.filter((parameter) => answers(parameter, requirement));
    const values = new Set(given.map((parameter) => parameter.value));
    const [value] = values.size > 0 ? values : [decoded.data.default];
    if (values.size > 1) {
      warn(`the requirement gets different values: ${[...values].join(", ")}`, "give it one value");
    } else if (value === undefined) {
      warn("the requirement has no value", "add a parameter to ns.dependency, or a default");
    } else if (decoded.data.targets.length === 0) {
      warn("the requirement has no targets", "add targets, or remove it");
    } else {
      for (const target of decoded.data.targets) {
        const id = qualify(target.entry, parseId(requirement.id).namespace);
        const entry = entries.get(id);
        if (entry === undefined) {
          warn(`unknown target entry ${id}`, "correct targets[].entry");
          continue;
        }
        const appends = target.path.endsWith("+=");
        const path = (appends ? target.path.slice(0, -"+=".length) : target.path).trim()
          .replace(/^\./, "");
        const inMeta = path.startsWith("meta.");
        if (!inMeta && !hasFields(entry.data)) entry.data = {};
        const root = inMeta ? entry.meta : entry.data;
        const field = path.replace(/^(?:meta|data)\./, "");
        if (!appends) setPath(root, field, value);
        else if (!append(root, field, value)) {
          warn(
            `${id}: ${path} is not a list, nothing can be appended`,
            "remove += or make it a list",
          );
        }
      }
    }
  }
  return warnings;
}
