// Files that the bundler embeds in the executable.

/** Imported `with { type: "text" }`: the file's text. */
declare module "*.lua" {
  const text: string;
  export default text;
}

/** Imported `with { type: "text" }`: the file's text. */
declare module "*.sql" {
  const text: string;
  export default text;
}

/** Imported `with { type: "file" }`: the path of the file, inside the executable when compiled. */
declare module "*.wasm" {
  const path: string;
  export default path;
}

/** Imported `with { type: "file" }`: the path of the file, inside the executable when compiled. */
declare module "*.image" {
  const path: string;
  export default path;
}

/** Imported `with { type: "file" }`: the path of the file, inside the executable when compiled. */
declare module "*.zst" {
  const path: string;
  export default path;
}

/** Imported with `{ type: "text" }`. */
declare module "*.txt" {
  const text: string;
  export default text;
}

// Files that `src/operations/make-index.ts` makes.

/** The modules by name, with what their Lua files declare. */
declare module "*/build/modules.js" {
  export const modules: Record<string, import("./registry/modules.ts").BuiltinModule>;
}

/** Loads the host operations of each module that has some. */
declare module "*/build/operations.js" {
  export const operations: Record<string, () => import("./operations/operation.ts").Operation[]>;
}

// Files that `src/lsp/make-documentation.ts` makes.

/** The types of the modules, in typed Lua, by name. */
declare module "*/build/module-types.js" {
  export const moduleTypes: Record<string, string>;
}

/** What the documentation says of the modules, by name. */
declare module "*/build/documentation.js" {
  export const documentation: Record<
    string,
    import("./lsp/documentation.ts").ModuleDocumentation
  >;
}

// A file that `src/services/make-index.ts` makes.

/** What each module exports that defines kinds of entries, by its path from the repository's root. */
declare module "*/build/kinds.js" {
  export const definitions: Record<string, Record<string, unknown>>;
}

// A file that `scripts/temporal-messages.ts` makes.

/** Messages of Temporal's services. */
declare module "*/build/temporal-messages.js" {
  export { google, temporal } from "@temporalio/proto";
  /** A whole number of 64 bits: the types of messages have objects where these messages have numbers. */
  export function long(
    value: number,
  ): import("@temporalio/proto").google.protobuf.Duration["seconds"];
}

/** Imported `with { type: "text" }`: the file's text. */
declare module "*.yaml" {
  const text: string;
  export default text;
}

// A file that `scripts/tree-sitter.ts` makes.

/** The library `web-tree-sitter`, which starts at once with its WebAssembly. */
declare module "*/build/tree-sitter.js" {
  type Library = typeof import("web-tree-sitter");
  export const Language: Library["Language"];
  export const Query: Library["Query"];
  export const Parser: Omit<Library["Parser"], "init"> & {
    new (): InstanceType<Library["Parser"]>;
    init(options: { wasm: WebAssembly.Module }): void;
  };
}
