import { fsEmbed } from "../../registry/kinds/fs-directory.ts";
import { WippyError } from "../../vm/error.ts";
import type { Section } from "../config.ts";
import type { DefinedEntry, Place } from "../definition.ts";
import type { Problem } from "../problem.ts";
import type { Pack } from "./read.ts";

/** A pack as part of an application. */
export interface LoadedPack {
  entries: DefinedEntry[];
  /** The configuration that it brings, below every other. */
  defaults: Section;
}

/** How a pack is loaded. */
export interface PackOptions {
  /** Its path in messages. */
  shown: string;
  /** Folder for the files of its `fs.embed` entries; absent: they stay packed. Absolute. */
  unpackInto?: string;
  /** The module that it is, which is written to the `meta` of its entries. */
  module?: { name: string; version?: string };
}

/**
 * Loads a pack with all its hashes checked.
 *
 * @param path absolute path
 * @returns no pack when it cannot be read; then with a problem that says why
 */
export async function loadPack(
  path: string,
  options: PackOptions,
): Promise<{ pack?: LoadedPack; problems: Problem[] }> {
  // Only packs need an archive reader.
  const { Pack } = await import("./read.ts");
  let pack: Pack | undefined;
  try {
    pack = await Pack.open(path);
    const entries = await pack.entries();
    const folders = options.unpackInto === undefined
      ? undefined
      : await pack.unpack(options.unpackInto);
    const { name, version } = options.module ?? {};
    const meta = {
      ...(name !== undefined && { module: name }),
      ...(version !== undefined && { module_version: version }),
    };
    const defined = entries.map((entry): DefinedEntry => {
      const directory = folders?.get(entry.id);
      if (entry.kind === fsEmbed.name && folders !== undefined && directory === undefined) {
        throw new WippyError("Invalid", `it has no files for ${entry.id}`, { retryable: false });
      }
      const data = entry.kind === fsEmbed.name && directory !== undefined
        ? { ...entry.data, directory }
        : entry.data;
      const packed = { ...entry, meta: { ...entry.meta, ...meta }, data };
      packed.origin ??= { file: options.shown, line: 1, column: 1 };
      return { entry: packed, place: placeOf(packed) };
    });
    return { pack: { entries: defined, defaults: defaultsOf(pack) }, problems: [] };
  } catch (error) {
    const { message, kind } = WippyError.from(error);
    const fix = kind === "NotFound"
      ? "correct the path"
      : kind === "Unavailable"
      ? "make room, or choose another state folder"
      : "make it again with wippy pack, or fetch it again";
    return {
      problems: [{
        severity: "error",
        file: options.shown,
        message: `cannot load: ${message}`,
        fix,
      }],
    };
  } finally {
    pack?.close();
  }
}

/** Problems are shown where the entry was written before it was packed. */
function placeOf(entry: DefinedEntry["entry"]): Place {
  const { file, line, column, source } = entry.origin!;
  return {
    file,
    at: () => ({ line, column }),
    sourceLine: (inner) =>
      source === undefined
        ? { file, line: line + inner - 1 }
        : { file: source.file, line: source.line + inner - 1 },
  };
}

/** `runtime.SECTION.KEY` of the metadata. */
function defaultsOf(pack: Pack): Section {
  const sections: Section = Object.create(null);
  for (const [key, value] of Object.entries(pack.manifest.metadata)) {
    const [first, ...parts] = key.split(".");
    const last = parts.pop();
    if (first !== "runtime" || last === undefined || parts.length === 0) continue;
    let section = sections;
    for (const part of parts) {
      const inner = section[part];
      section = typeof inner === "object" && inner !== null
        ? inner as Section
        : section[part] = Object.create(null) as Section;
    }
    section[last] = value;
  }
  return sections;
}
