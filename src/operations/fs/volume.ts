import { mkdirSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { decodeEntry } from "../../registry/decode.ts";
import type { Entry } from "../../registry/entry.ts";
import type { Variables } from "../../registry/placeholder.ts";
import { fsDirectory, fsEmbed } from "../../registry/kinds/fs-directory.ts";
import { WippyError } from "../../vm/error.ts";
import { normalizePath, realPath } from "./path.ts";

/** A directory that an `fs.directory` or `fs.embed` entry opens to code. */
export interface Volume {
  id: string;
  /** Real path of the root. */
  root: string;
  /** Permission bits; the owner's gate what code may do. */
  mode: number;
}

/** What volumes are found by: the services of an operation, or those of a service. */
export interface VolumeSource {
  entry(id: string): Entry | undefined;
  environment: Variables;
  /** Absolute path of the application. */
  directory: string;
  /** Absolute path of the module that owns an entry. */
  moduleDirectory(entry: Entry): string;
}

const volumes = new WeakMap<Entry, Volume>();

function settingsOf({ environment }: VolumeSource, entry: Entry) {
  if (entry.kind === fsDirectory.name) return decodeEntry(fsDirectory, entry, environment);
  return { ...decodeEntry(fsEmbed, entry, environment), auto_init: false, mode: 0o555 };
}

function openVolume(services: VolumeSource, entry: Entry): Volume {
  const settings = settingsOf(services, entry);
  const ofModule = settings.base === "module" ||
    settings.base === undefined && entry.meta["module"] !== undefined;
  const base = ofModule ? services.moduleDirectory(entry) : services.directory;
  const directory = resolve(base, settings.directory);
  // A directory that everyone may read is also one that everyone may enter.
  const mode = (settings.mode & 0o444) === 0o444 && (settings.mode & 0o111) === 0
    ? settings.mode | 0o111
    : settings.mode;
  try {
    if (settings.auto_init) mkdirSync(directory, { recursive: true, mode });
    const root = realpathSync.native(directory);
    if (!statSync(root).isDirectory()) {
      const message = `volume ${entry.id}: ${settings.directory} is not a directory`;
      throw new WippyError("Invalid", message, { retryable: false });
    }
    return { id: entry.id, root, mode };
  } catch (error) {
    if (error instanceof WippyError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = missing
      ? `volume ${entry.id}: directory ${settings.directory} does not exist; ` +
        "make it, or set auto_init: true"
      : `volume ${entry.id}: ${(error as Error).message}`;
    throw new WippyError(missing ? "NotFound" : "PermissionDenied", message, {
      retryable: false,
      cause: error,
    });
  }
}

/**
 * The volume of an entry.
 *
 * @throws WippyError Invalid (empty id, another kind of entry), NotFound (no entry, no directory),
 *   PermissionDenied (the system refuses)
 */
export function volumeOf(services: VolumeSource, id: string): Volume {
  if (id === "") throw new WippyError("Invalid", "empty volume id", { retryable: false });
  const entry = services.entry(id);
  if (entry === undefined) {
    throw new WippyError("NotFound", `volume not found: ${id}`, { retryable: false });
  }
  if (entry.kind !== fsDirectory.name && entry.kind !== fsEmbed.name) {
    const message =
      `${id} is a ${entry.kind} entry; give the id of an ${fsDirectory.name} or ${fsEmbed.name} entry`;
    throw new WippyError("Invalid", message, { retryable: false });
  }
  let volume = volumes.get(entry);
  if (volume === undefined) {
    volume = openVolume(services, entry);
    volumes.set(entry, volume);
  }
  return volume;
}

/** A path of a volume: as the application sees it, and as the system does. */
export interface Place {
  volume: Volume;
  path: string;
  real: string;
}

/**
 * Finds a path in a volume and checks that the volume allows what is meant.
 *
 * @param directory where a path without leading `/` starts
 * @param intent what is going to be done
 * @param followLast whether a link at the end of the path is followed
 * @throws WippyError Invalid (bad path), PermissionDenied (the volume's mode), and as `volumeOf`
 */
export function placeOf(
  services: VolumeSource,
  id: string,
  directory: string,
  path: string,
  intent: "read" | "write",
  followLast = true,
): Place {
  const volume = volumeOf(services, id);
  const bit = intent === "read" ? 0o400 : 0o200;
  if ((volume.mode & bit) === 0) {
    const mode = volume.mode.toString(8).padStart(4, "0");
    const message = `volume ${id} does not allow to ${intent} (mode ${mode})`;
    throw new WippyError("PermissionDenied", message, { retryable: false });
  }
  const normal = normalizePath(directory, path);
  return { volume, path: normal, real: realPath(volume.root, normal, followLast) };
}
