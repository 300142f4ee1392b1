import { watch } from "node:fs";
import { resolve, sep } from "node:path";

/** Folders whose files are not the application's source. */
const ignored = new Set([".wippy", ".git", "node_modules"]);

/** Milliseconds without a further change after which a burst of changes counts as over. */
const quiet = 100;

/**
 * Tells of changes of files below a directory: once for each burst, and not again before `changed` is done.
 *
 * @param own absolute path of a file that `changed` writes itself
 * @returns what ends it
 */
export function watchDirectory(
  directory: string,
  changed: () => Promise<void>,
  own?: string,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false;
  const tell = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      await changed();
    } while (again);
    running = false;
  };
  const watcher = watch(directory, { recursive: true }, (_, file) => {
    if (file !== null && file.split(sep).some((part) => ignored.has(part))) return;
    if (file !== null && resolve(directory, file) === own) return;
    clearTimeout(timer);
    timer = setTimeout(() => void tell(), quiet);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
