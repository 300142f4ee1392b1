import type { FileHandle } from "node:fs/promises";

/**
 * Lets `use` work with a file that was just opened, and closes the file if that fails: a file handle that nobody closes
 * ends the program when it is collected.
 *
 * @throws what `use` throws
 * @example
 * const { handle, size } = await orClose(await open(path), async (handle) => ({ handle, ...await handle.stat() }));
 */
export async function orClose<Result>(
  handle: FileHandle,
  use: (handle: FileHandle) => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await use(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}
