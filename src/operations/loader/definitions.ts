import { statSync } from "node:fs";
import { extname, relative, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { readDefinition } from "../../app/definition.ts";
import { findDefinitions } from "../../app/discovery.ts";
import { formatProblem, type Problem } from "../../app/problem.ts";
import type { Entry } from "../../registry/entry.ts";
import { entryValue } from "../../registry/entry-value.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { failureOf } from "../fs/failure.ts";
import { type Place, placeOf, type VolumeSource } from "../fs/volume.ts";

/** Bytes of a definition file: it is read at once. */
const largest = 4 * 1024 * 1024;
const endings = [".yaml", ".yml", ".json"];

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/** A path of the volume as the volume's user writes it. */
function shown({ volume }: Place, path: string): string {
  return relative(volume.root, path).split(sep).join("/");
}

/** What is wrong with a file, and its entries. @throws WippyError for what is not a file */
function read(place: Place): { entries: Entry[]; problems: Problem[] } {
  let stats;
  try {
    stats = statSync(place.real);
  } catch (error) {
    throw failureOf(place.path, error);
  }
  if (!stats.isFile()) throw invalid(`${place.path} is not a file`);
  if (stats.size > largest) {
    throw invalid(`${place.path} has more than ${largest} bytes; split the file`);
  }
  const root = { directory: place.volume.root };
  const { entries, problems } = readDefinition(place.real, root, (path) => shown(place, path));
  return { entries: entries.map(({ entry }) => entry), problems };
}

/** @throws WippyError NotFound, Invalid with everything that is wrong with the file */
export function loadFile(services: VolumeSource, id: string, path: string): LuaValue {
  const place = placeOf(services, id, "/", path, "read");
  if (!endings.includes(extname(place.path))) {
    throw invalid(
      `${place.path} is not a definition file; their names end in ${endings.join(", ")}`,
    );
  }
  const { entries, problems } = read(place);
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw invalid(errors.map(formatProblem).join("\n"));
  return entries.map(entryValue);
}

/**
 * The entries of all definition files below a directory, in the order of their paths, as `entries`; files with errors
 * are left out. `warnings` holds what is to be logged.
 *
 * @throws WippyError NotFound, Invalid for what is not a directory
 */
export async function loadDirectory(
  services: VolumeSource,
  id: string,
  path: string,
  signal: AbortSignal,
): Promise<LuaValue> {
  const directory = placeOf(services, id, "/", path, "read");
  let files: string[];
  try {
    if (!statSync(directory.real).isDirectory()) {
      throw invalid(`${directory.path} is not a directory`);
    }
    files = findDefinitions(directory.real, new Set());
  } catch (error) {
    throw error instanceof WippyError ? error : failureOf(directory.path, error);
  }
  const found = new Map<string, Entry>();
  const warnings: string[] = [];
  for (const file of files) {
    // Other units of the worker take their turn between two files.
    await setImmediate();
    signal.throwIfAborted();
    try {
      // A link may lead out of the volume.
      const place = placeOf(services, id, "/", `/${shown(directory, file)}`, "read");
      const { entries, problems } = read(place);
      warnings.push(...problems.map(formatProblem));
      if (problems.some(({ severity }) => severity === "error")) continue;
      for (const entry of entries) {
        if (found.has(entry.id)) warnings.push(`${place.path}: ${entry.id} is defined twice`);
        found.delete(entry.id);
        found.set(entry.id, entry);
      }
    } catch (error) {
      warnings.push(WippyError.from(error).message);
    }
  }
  return { entries: [...found.values()].map(entryValue), warnings };
}
