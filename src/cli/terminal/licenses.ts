import path from "../../../build/licenses.txt" with { type: "file" };

/** Returns the licence notices of everything in this executable. Only the build makes them. */
export function readLicenses(): Promise<string> {
  return Bun.file(path).text();
}
