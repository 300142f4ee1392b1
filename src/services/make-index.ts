/**
 * Makes `build/kinds.js`, the list of the modules that define kinds of entries, from their places: each file of
 * `src/registry/kinds`, and `NAME/NAME.ts` of each folder beside this file: `bun src/services/make-index.ts`.
 * @module
 */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeIndex } from "../operations/make-index.ts";

const root = resolve(import.meta.dirname, "../..");

/** Paths from the root of the modules that define kinds. @throws Error for a folder without its principal file */
function definitionFiles(): string[] {
  const plain = readdirSync(join(root, "src/registry/kinds")).sort()
    .map((file) => `src/registry/kinds/${file}`);
  const services = readdirSync(join(root, "src/services"), { withFileTypes: true })
    .filter((found) => found.isDirectory()).map(({ name }) => name).sort()
    .map((name) => `src/services/${name}/${name}.ts`);
  const missing = services.find((file) => !existsSync(join(root, file)));
  if (missing === undefined) return [...plain, ...services];
  throw new Error(
    `there is no ${missing}: a folder of src/services defines kinds in the file named after it`,
  );
}

const files = definitionFiles();
writeIndex(
  "kinds.js",
  files.map((file, at) => `import * as m${at} from "../${file}";\n`).join("") +
    `export const definitions = {\n${
      files.map((file, at) => `  ${JSON.stringify(file)}: m${at},\n`).join("")
    }};\n`,
);
