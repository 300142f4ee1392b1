import { readdirSync, readlinkSync } from "node:fs";

/** How many files whose path contains a text this process has open. */
export function openFiles(part: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes(part);
    } catch {
      // The one that read the folder is gone.
      return false;
    }
  }).length;
}
