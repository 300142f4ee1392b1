/**
 * How the house is built, as rules over the texts of its files. Each rule returns what breaks it, as a sentence with the
 * place and what to do.
 * @module
 */
import { dirname, join } from "node:path/posix";
import { wakes } from "./wakes.ts";

/** Paths from the repository's root, with their texts. */
export type Tree = ReadonlyMap<string, string>;

type Rule = (tree: Tree) => string[];

/** A file and what it imports (TypeScript) or uses (Lua), by path. */
type Graph = Map<string, string[]>;

/** From top to bottom: a folder imports only from itself and from those below it. */
const layers = [
  "src/main.ts",
  "src/cli",
  "src/lsp",
  "src/admin",
  "src/testing",
  "src/packages",
  "src/formatting",
  "src/node",
  "src/services",
  "src/worker",
  "src/operations",
  "src/network",
  "src/workflows",
  "src/app",
  "src/registry",
  "src/observe",
  "src/platform",
  "src/vm",
  "src/language",
];

/** The same for Lua; files of the kernel itself compose. What several modules share may use modules. */
const luaLayers = [
  "lua/kernel/boot.lua",
  "lua/kernel/kernel.lua",
  "lua/kernel/globals.lua",
  "lua/contexts",
  "lua/modules|lua/library",
  "lua/kernel",
];

/** What the runtime knows of workflow providers besides their port is in the one file that chooses among them. */
const providers = "src/workflows/providers/";
const chooser = "src/workflows/providers/providers.ts";

/** Folders of equals: no file of theirs comes first. */
const collections = [
  /^src\/(observe|admin\/routes)$/,
  /^src\/admin\/ui\/views$/,
  /^src\/operations$/,
  /^src\/services$/,
  /^src\/registry\/kinds$/,
  /^src\/workflows\/providers$/,
  /\/migrations(\/|$)/,
  /^src\/cli\/init\/templates\/\w+$/,
  /^lua$/,
  /^lua\/(contexts|library|modules)$/,
  /^src$/,
];

/** Where values of the VM get their types: the VM itself, and the commands of the kernel, which are ours. */
const boundary = /^src\/(vm\/|worker\/engine\.ts$)/;

const mostLines = 500;
const mostColumns = 120;

function isCode(path: string): boolean {
  return /\.(ts|tsx|lua)$/.test(path) &&
    /^(src|lua|tests|scripts|release|bench|examples)\//.test(path);
}

function dependencies(tree: Tree): Graph {
  const graph: Graph = new Map();
  for (const [path, text] of tree) {
    if (/^src\/.*\.tsx?$/.test(path)) {
      const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g);
      graph.set(path, [...found].map(([, target]) => join(dirname(path), target!)));
    } else if (/^lua\/.*\.lua$/.test(path)) {
      const found = text.matchAll(/\buse\("([\w/]+)"/g);
      graph.set(path, [...found].map(([, target]) => `lua/${target}.lua`));
    }
  }
  return graph;
}

/** Groups of files that reach each other (Tarjan's strongly connected components). */
function circles(graph: Graph): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const visit = (path: string): number => {
    const place = order.size;
    order.set(path, place);
    lowest.set(path, place);
    stack.push(path);
    for (const target of graph.get(path) ?? []) {
      if (!graph.has(target)) continue;
      const reached = order.has(target)
        ? (stack.includes(target) ? order.get(target)! : place)
        : visit(target);
      lowest.set(path, Math.min(lowest.get(path)!, reached));
    }
    const low = lowest.get(path)!;
    if (low === place) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1 || graph.get(path)!.includes(path)) found.push(group);
    }
    return low;
  };
  for (const path of graph.keys()) if (!order.has(path)) visit(path);
  return found;
}

function layerOf(path: string, list: readonly string[]): number {
  return list.findIndex((layer) =>
    layer.split("|").some((part) => path === part || path.startsWith(`${part}/`))
  );
}

/** Where the first file is known by what it is to all others: the port. */
const principals: Readonly<Record<string, string>> = { "src/workflows": "provider" };

function folderName(folder: string): string {
  return folder.slice(folder.lastIndexOf("/") + 1);
}

/** The rules by name. */
export const rules: Record<string, Rule> = {
  "no circle between files": (tree) =>
    circles(dependencies(tree)).map((group) =>
      `${
        group.toSorted().join(", ")
      } import each other. Move what they share into a file that imports none of them.`
    ),

  "imports point downwards": (tree) =>
    [...dependencies(tree)].flatMap(([path, targets]) =>
      targets.flatMap((target) => {
        for (const list of [layers, luaLayers]) {
          const [from, to] = [layerOf(path, list), layerOf(target, list)];
          if (from < 0 || to < 0 || to >= from) continue;
          return [
            `${path} imports ${target}, which is above it (${list[to]} > ${list[from]}). ` +
            "Move what is needed down, or have the upper one pass it.",
          ];
        }
        return [];
      })
    ),

  "every folder of src has its layer": (tree) => {
    const folders = new Set(
      [...tree.keys()].filter((path) => /^src\/[^/]+\//.test(path)).map(
        (path) => path.split("/").slice(0, 2).join("/"),
      ),
    );
    return [...folders].filter((folder) => !layers.includes(folder)).map((folder) =>
      `${folder} is in no layer. Give it its place in the list of layers in tests/unit/architecture/rules.ts.`
    );
  },

  "providers of workflows are known by their port": (tree) =>
    [...dependencies(tree)].flatMap(([path, targets]) =>
      path.startsWith(providers)
        ? []
        : targets.filter((target) => target.startsWith(providers) && target !== chooser).map((
          target,
        ) =>
          `${path} imports ${target}. Use the port (src/workflows/provider.ts); only ${chooser} knows who implements it.`
        )
    ),

  "the language knows nothing of the runtime": (tree) =>
    [...tree].flatMap(([path, text]) => {
      if (!/^src\/language\/.*\.ts$/.test(path)) return [];
      const found = text.matchAll(/\bfrom "([^"\n]+)";$|\b(?:import|require)\("([^"\n]+)"\)/gm);
      return [...found].map(([, named, called]) => (named ?? called)!)
        .filter((target) =>
          !target.startsWith(".") || !join(dirname(path), target).startsWith("src/language/")
        ).map((target) =>
          `${path} imports ${target}. The front end of the language takes a text and returns trees; ` +
          "it asks nobody."
        );
    }),

  [`no file over ${mostLines} lines`]: (tree) =>
    [...tree].filter(([path]) => isCode(path)).flatMap(([path, text]) => {
      const lines = text.split("\n").length - 1;
      return lines > mostLines
        ? [`${path} has ${lines} lines. Split it where it has a second reason to exist.`]
        : [];
    }),

  [`no line over ${mostColumns} columns`]: (tree) =>
    [...tree].filter(([path]) => isCode(path) && !path.startsWith("tests/")).flatMap((
      [path, text],
    ) =>
      text.split("\n").flatMap((line, index) =>
        line.length > mostColumns && !line.includes("://")
          ? [`${path}:${index + 1} has ${line.length} columns. Break the line.`]
          : []
      )
    ),

  "the file to open first in a folder is named after it": (tree) => {
    const folders = new Map<string, string[]>();
    for (const path of tree.keys()) {
      if (!/^(src|lua)\/.*\.(ts|tsx|lua)$/.test(path)) continue;
      const folder = dirname(path);
      folders.set(folder, [...folders.get(folder) ?? [], path.slice(folder.length + 1)]);
    }
    return [...folders].flatMap(([folder, files]) => {
      if (collections.some((pattern) => pattern.test(folder))) return [];
      const name = principals[folder] ?? folderName(folder);
      return files.some((file) => file.replace(/\.\w+$/, "") === name)
        ? []
        : [`${folder} has no ${name}.ts or ${name}.lua. Name its principal file after the folder.`];
    });
  },

  "tests wait for what happens, not for time": (tree) =>
    [...tree].flatMap(([path, text]) => {
      if (!/^tests\/.*\.tsx?$/.test(path)) return [];
      // Chaos tests and the soak are about time itself: they kill at random instants, and measure.
      if (/^tests\/(chaos|soak|unit\/architecture)\//.test(path)) return [];
      if (path === "tests/until.ts") return [];
      const lines = text.split("\n");
      return lines.flatMap((line, index) =>
        /\bBun\.sleep\(|\bsetTimeout\(/.test(line) &&
          !/\/\/ Sleeps because /.test(lines[index - 1] ?? "")
          ? [
            `${path}:${
              index + 1
            } sleeps. Use until() of tests/until.ts; where time itself is the subject, ` +
            'say so in the line before: "// Sleeps because …".',
          ]
          : []
      );
    }),

  "no reference to what is outside the repository": (tree) =>
    [...tree].flatMap(([path, text]) =>
      !isCode(path) || path.startsWith("tests/unit/architecture/") ? [] : text.split("\n").flatMap((
        line,
        index,
      ) =>
        /\b(?:spec|design)(?: [\w-]+)? §/.test(line)
          ? [
            `${path}:${
              index + 1
            } refers to a document outside the repository. Say it in words, or name a page of docs.`,
          ]
          : []
      )
    ),

  "a coroutine is woken once, and only while it waits": wakes,

  "casts through unknown stay at the VM's boundary": (tree) =>
    [...tree].flatMap(([path, text]) =>
      /^src\/.*\.tsx?$/.test(path) && !boundary.test(path)
        ? text.split("\n").flatMap((line, index) =>
          /\bas unknown as\b/.test(line)
            ? [`${path}:${index + 1} casts through unknown. Check the value, or type its source.`]
            : []
        )
        : []
    ),
};
