import { readdirSync, readlinkSync } from "node:fs";

/** What the file descriptors of this process lead to: the path of a file, `socket:[INODE]` and the like. */
export function openDescriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The one that read the folder is gone.
      return [];
    }
  });
}

/** How many files whose path contains a text this process has open. */
export function openFiles(part: string): number {
  return openDescriptors().filter((target) => target.includes(part)).length;
}
