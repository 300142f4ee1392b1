import type { ModuleText } from "./module_text.ts";

/** Adds a function that makes every global what it is in a new instance: an instance may serve one VM after another. */
export function addGlobalsReset(module: ModuleText): void {
  const resets = module.globals().map(({ name, initial }) => `(global.set ${name} ${initial})`);
  module.append(`(func $reset_globals\n  ${resets.join("\n  ")})`);
  module.append(`(export "reset_globals" (func $reset_globals))`);
}
