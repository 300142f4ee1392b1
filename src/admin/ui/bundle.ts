/**
 * Bundles the page into `build/page`: `bun src/admin/ui/bundle.ts`. Nothing is done when it is newer than its sources.
 * @module
 */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../..");
const output = join(root, "build/page");
const script = join(output, "app.txt");
const style = join(output, "style.txt");
/** What the bundle was made of, for the licence notices. */
const metafile = join(output, "metafile.json");

function upToDate(): boolean {
  if (![script, style, metafile].every((file) => existsSync(file))) return false;
  const made = Math.min(statSync(script).mtimeMs, statSync(style).mtimeMs);
  const sources = [...new Bun.Glob("**/*").scanSync({ cwd: import.meta.dirname, absolute: true })];
  return [...sources, join(root, "bun.lock")].every((file) => statSync(file).mtimeMs < made);
}

if (!upToDate()) {
  const result = await Bun.build({
    entrypoints: [join(import.meta.dirname, "ui.tsx"), join(import.meta.dirname, "style.css")],
    target: "browser",
    minify: true,
    metafile: true,
    throw: false,
  });
  if (!result.success) {
    for (const log of result.logs) console.error(String(log));
    console.error("the admin page could not be made (see above)");
    process.exit(1);
  }
  mkdirSync(output, { recursive: true });
  for (const made of result.outputs) {
    if (made.path.endsWith(".js")) await Bun.write(script, made);
    if (made.path.endsWith(".css")) await Bun.write(style, made);
  }
  await Bun.write(metafile, JSON.stringify(result.metafile));
  console.error("made build/page");
}
