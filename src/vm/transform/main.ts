/**
 * Makes `build/lua.wasm`, unless the one that is there was made from the same input by the same
 * transform. Run by the build and before development and tests: `bun src/vm/transform/main.ts`.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

const here = import.meta.dirname;
const root = resolve(here, "../../..");
const output = join(root, "build/lua.wasm");
const require = createRequire(import.meta.url);
const input = join(dirname(require.resolve("wasmoon")), "glue.wasm");

/** Digest of everything that decides the output. */
function cacheKey(): string {
  const hash = createHash("sha256");
  hash.update(readFileSync(input));
  for (const folder of [here, join(here, "../natives")]) {
    for (const file of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, file)));
  }
  for (const name of ["binaryen", "assemblyscript"]) {
    const packageFile = join(root, "node_modules", name, "package.json");
    hash.update(JSON.parse(readFileSync(packageFile, "utf8")).version);
  }
  return hash.digest("hex");
}

function readKey(): string | undefined {
  try {
    readFileSync(output);
    return readFileSync(`${output}.key`, "utf8");
  } catch {
    return undefined;
  }
}

const key = cacheKey();
if (readKey() !== key) {
  // binaryen takes half a second to load: only when there is something to do.
  const { transform } = await import("./transform.ts");
  const { compileNatives } = await import("../natives/natives.ts");
  const { checkLayout } = await import("./layout_check.ts");
  const wasm = new Uint8Array(transform(readFileSync(input), await compileNatives()));
  await checkLayout(wasm);
  mkdirSync(dirname(output), { recursive: true });
  // Renamed into place: several starts at once must not read half a file.
  for (const [path, data] of [[output, wasm], [`${output}.key`, key]] as const) {
    writeFileSync(`${path}.${process.pid}`, data);
    renameSync(`${path}.${process.pid}`, path);
  }
  console.error(`made build/lua.wasm (${wasm.length} bytes)`);
}
