import { chmodSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";

/**
 * Replaces a file by other content at once, with the same permissions: whoever opens it meanwhile sees the one or
 * the other as a whole. A link stays a link.
 *
 * @throws the failure of the file system; the file is as it was then
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const target = realpathSync(path);
  const part = `${target}.${process.pid}.part`;
  try {
    const { mode } = statSync(target);
    writeFileSync(part, content, { flag: "wx", mode });
    // The mode of a new file is limited by the umask.
    chmodSync(part, mode);
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
