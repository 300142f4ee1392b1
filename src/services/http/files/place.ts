/**
 * Files of volumes, as a server finds them: by the same rules as the module `fs`, so that no path and no link leads
 * out of the volume.
 * @module
 */
import { stat } from "node:fs/promises";
import { failureOf } from "../../../operations/fs/failure.ts";
import { type Place, placeOf, type VolumeSource } from "../../../operations/fs/volume.ts";
import { WippyError } from "../../../vm/error.ts";

/** What is at a path. */
export interface Found {
  place: Place;
  directory: boolean;
  size: number;
  /** Milliseconds since 1970. */
  modified: number;
}

/**
 * Looks a path up.
 *
 * @returns undefined where nothing is that may be served: no such path, or one that leads out of the volume
 * @throws WippyError PermissionDenied; NotFound or Invalid when there is no such volume
 */
export async function lookUp(
  source: VolumeSource,
  volume: string,
  path: string,
): Promise<Found | undefined> {
  // A volume that is not there is a fault of the application, and no missing file.
  placeOf(source, volume, "/", "/", "read");
  try {
    const place = placeOf(source, volume, "/", path, "read");
    const stats = await stat(place.real);
    if (!stats.isFile() && !stats.isDirectory()) return undefined;
    return {
      place,
      directory: stats.isDirectory(),
      size: stats.size,
      modified: stats.mtimeMs,
    };
  } catch (error) {
    const failure = failureOf(path, error);
    if (failure.kind === "NotFound" || failure.kind === "Invalid") return undefined;
    throw failure;
  }
}

/** The status that a failure of the file system is answered with. */
export function statusOf(error: unknown): 403 | 500 {
  return WippyError.from(error).kind === "PermissionDenied" ? 403 : 500;
}
