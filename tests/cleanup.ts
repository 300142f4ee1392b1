/**
 * What tests leave behind is removed after each of them. This file is preloaded (bunfig.toml): a hook that a shared
 * module registers as it loads would hold for the first test file that imports it only.
 * @module
 */
import { afterEach } from "bun:test";

const cleanups: (() => void | Promise<void>)[] = [];

/** Runs `clean` after the running test, last one first. */
export function cleanAfterTest(clean: () => void | Promise<void>): void {
  cleanups.push(clean);
}

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});
