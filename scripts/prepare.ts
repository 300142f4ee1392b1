/**
 * Makes what the sources need before they can run: `build/lua.wasm`, the lists of Lua modules, their
 * operations and the kinds of entries, the messages of Temporal's services, tree-sitter with its grammars, what editors
 * show of modules, `build/kernel.image` and the admin page in `build/page`. Quick when they are up to date.
 * @module
 */
await import("../src/vm/transform/main.ts");
await import("../src/operations/make-index.ts");
await import("../src/services/make-index.ts");
await import("./temporal-messages.ts");
(await import("./tree-sitter.ts")).makeAll();
await import("../src/lsp/make-documentation.ts");
// After the wasm: the image is a VM that it ran.
await import("../src/worker/make-image.ts");
await import("../src/admin/ui/bundle.ts");
