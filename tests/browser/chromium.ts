/**
 * A headless Chromium for the tests of the page: the one of the machine; as root on Debian it is installed.
 * @module
 */
import { existsSync } from "node:fs";

const paths = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

function install(): boolean {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return false;
  const run = (...args: string[]) =>
    Bun.spawnSync(["apt-get", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdout: "ignore",
      stderr: "ignore",
      timeout: 300_000,
    }).success;
  return run("install", "-y", "-qq", "--no-install-recommends", "chromium") ||
    (run("update", "-qq") && run("install", "-y", "-qq", "--no-install-recommends", "chromium"));
}

const present = () => paths.find((path) => existsSync(path));

/** Path of the browser; undefined where there is none and none can be installed. */
export const chromiumPath: string | undefined = present() ?? (install() ? present() : undefined);
