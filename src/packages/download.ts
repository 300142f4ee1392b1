import { PackageError } from "./package.ts";

/** How long a download may take in all, in milliseconds. */
const longest = 60_000;

/**
 * Downloads a file.
 *
 * @param limit bytes at most
 * @returns nothing when the server says that there is no such file
 * @throws PackageError, in one sentence, when the server cannot be reached or refuses
 */
export async function download(
  address: string,
  limit: number,
  headers: Record<string, string> = {},
): Promise<Buffer | undefined> {
  const { protocol, host } = addressOf(address);
  try {
    const response = await fetch(address, { headers, signal: AbortSignal.timeout(longest) });
    if (protocol === "https:" && !response.url.startsWith("https:")) {
      throw new Error("it leads to an address without encryption");
    }
    if (response.status === 404 || response.status === 410) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the server answered with status ${response.status}`);
    }
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > limit) throw new Error(`it is larger than ${Math.floor(limit / 2 ** 20)} MiB`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (error) {
    const { name, message } = error as Error;
    const code = (error as NodeJS.ErrnoException).code;
    if (name === "TimeoutError") {
      throw new PackageError(`${host} did not send ${address} within ${longest / 1000} seconds`);
    }
    if (code !== undefined) {
      throw new PackageError(
        `cannot reach ${host}: ${message}`,
        "check the address and the network",
      );
    }
    throw new PackageError(`cannot download ${address}: ${message}`);
  }
}

/** @throws PackageError for what is no address of a server */
function addressOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  throw new PackageError(`${address} is not an http or https address`);
}
