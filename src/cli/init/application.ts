import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { sandboxGlobals } from "../../app/sandbox-globals.ts";
import { testGlobals } from "../../testing/library/library.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { type TemplateName, templates } from "./templates.ts";

/** Files of every application. */
function settings(): Record<string, string> {
  const luarc = {
    "runtime.version": "Lua 5.4",
    "diagnostics.globals": [...sandboxGlobals, ...testGlobals].sort(),
    "workspace.ignoreDir": [".wippy"],
  };
  return {
    "wippy.lock": "directories:\n  modules: .wippy\n  src: ./src\n",
    ".gitignore": ".wippy/\n",
    ".editorconfig": "root = true\n\n[*]\ncharset = utf-8\nend_of_line = lf\nindent_size = 2\n" +
      "indent_style = space\ninsert_final_newline = true\ntrim_trailing_whitespace = true\n",
    "stylua.toml":
      'syntax = "Lua54"\ncolumn_width = 100\nindent_type = "Spaces"\nindent_width = 2\n',
    ".luarc.json": `${JSON.stringify(luarc, null, 2)}\n`,
  };
}

const next: Readonly<Record<TemplateName, string>> = {
  hello: "wippy run hello Ada",
  service: "wippy serve",
  webhook: "wippy serve",
};

/**
 * `wippy init NAME`: creates a new application in a folder. Existing files are not changed.
 *
 * @throws CommandError when a file cannot be written
 */
export function createApplication(console: Console, name: string, template: TemplateName): number {
  const folder = resolve(console.directory, name);
  let written = 0;
  for (const [path, text] of Object.entries({ ...settings(), ...templates[template] })) {
    const file = resolve(folder, path);
    const shown = relative(console.directory, file);
    if (existsSync(file)) {
      console.err(`kept  ${shown}\n`);
      continue;
    }
    try {
      mkdirSync(dirname(file), { recursive: true });
      // Another program may have created it in the meantime.
      writeFileSync(file, text, { flag: "wx" });
    } catch (error) {
      throw new CommandError(
        `cannot write ${shown}: ${(error as Error).message}`,
        "name a folder that you may write to",
      );
    }
    written++;
    console.err(`wrote ${shown}\n`);
  }
  const inside = folder === console.directory ? "" : `cd ${name} && `;
  console.err(
    written === 0
      ? "all files already exist\n"
      : `\nnext: ${inside}wippy test\nthen: ${inside}${next[template]}\n`,
  );
  return 0;
}
