import { describe, expect, test } from "bun:test";
import { loadLuaModule } from "../../../src/vm/module.ts";
import { type LuaValue, Vm } from "../../../src/vm/vm.ts";
import { hostFunctions, kernelFunctions } from "../../../src/worker/kernel.ts";
import { sources } from "../../../src/worker/sources.ts";

const module = await loadLuaModule();

/** Loads the kernel from these sources; `probe` is run as a kernel file afterwards, and returns what is to be known. */
async function load(files: Readonly<Record<string, string>>, probe: string): Promise<LuaValue[]> {
  const vm = await Vm.create({ module, clock: () => 0 });
  try {
    for (const name of hostFunctions) vm.register(name, () => {});
    const kernel = `local use = ...\nlocal kernel = (function(...) ${
      files["kernel/kernel"]
    }\nend)(...)\nfunction kernel.probe() ${probe}\nend\nreturn kernel`;
    const refs = vm.load(
      files["kernel/boot"]!,
      "=lua/kernel/boot",
      { ...files, "kernel/kernel": kernel },
      [...kernelFunctions, "probe"],
    );
    return vm.call(refs.at(-1)!);
  } finally {
    vm.close();
  }
}

/** The sources with one text of one file replaced. */
function without(file: string, text: string, by = ""): Record<string, string> {
  const source = sources[file]!;
  const parts = source.split(text);
  if (parts.length !== 2) throw new Error(`${file}: "${text}" is there ${parts.length - 1} times`);
  return { ...sources, [file]: parts.join(by) };
}

const probeHooks = `
  local hooks = {}
  for _, declaration in ipairs(use("kernel/core/core").declared) do
    for _, name in ipairs(declaration.names) do
      hooks[#hooks + 1] = declaration.file .. " " .. name
    end
  end
  return hooks`;

const hooks = (await load(sources, probeHooks))[0] as string[];
const effects = (await load(sources, `return use("kernel/core/effects").names`))[0] as string[];

describe("hooks", () => {
  test("are those that files declare", () => {
    const declared = Object.values(sources).join("\n").match(/core\.hooks\(/g)!.length;
    // One is the definition itself.
    expect(new Set(hooks.map((hook) => hook.split(" ")[0])).size).toBe(declared - 1);
    expect(hooks).toContain("kernel/core/unit announce");
  });

  for (const hook of hooks) {
    const [file, name] = hook.split(" ") as [string, string];
    test(`${hook}: the kernel does not load without it`, async () => {
      const table = file.split("/").at(-1)!;
      const call = new RegExp(`\\n${table}\\.connect\\(\\{[^]*?\\}\\)\\n`).exec(
        sources["kernel/kernel"]!,
      )![0];
      const cut = without(
        "kernel/kernel",
        call,
        call.replace(new RegExp(`\\b${name} = `), `${name} = false and `),
      );
      expect(cut["kernel/kernel"]).not.toBe(sources["kernel/kernel"]);
      await expect(load(cut, "")).rejects.toThrow(`hook '${name}' of ${file} is not connected`);
      await expect(load(without("kernel/kernel", call, "\n"), "")).rejects.toThrow(
        `the hooks of ${file} are not connected`,
      );
    });
  }

  test("no file is connected twice or by a name that it does not declare", async () => {
    const twice = without(
      "kernel/kernel",
      "core.assert_connected()",
      "acts.connect({ context = of_processes })",
    );
    await expect(load(twice, "")).rejects.toThrow("kernel/workflows/acts are connected already");
    const unknown = without("kernel/kernel", "unit.connect({", "unit.connect({ other = true,");
    await expect(load(unknown, "")).rejects.toThrow("declares no hook 'other'");
  });
});

describe("effects", () => {
  test("each context answers each effect", async () => {
    const [answered] = await load(
      sources,
      `local answered = {}
      for _, kind in ipairs({ "function", "process", "workflow" }) do
        local context = use("contexts/" .. kind)
        for _, name in ipairs(use("kernel/core/effects").names) do
          if type(context[name]) == "function" then answered[#answered + 1] = kind .. " " .. name end
        end
      end
      return answered`,
    );
    expect(answered).toEqual(
      ["function", "process", "workflow"].flatMap((kind) =>
        effects.map((effect) => `${kind} ${effect}`)
      ),
    );
  });

  for (const kind of ["function", "process", "workflow"]) {
    test(`the kernel does not load when a ${kind} leaves one unanswered`, async () => {
      for (const effect of [...effects, "kind", "delivers", "ended"]) {
        const file = `contexts/${kind}`;
        const cut = {
          ...sources,
          [file]: `local context = (function(...) ${sources[file]}\nend)(...)
            context.${effect} = nil
            return context`,
        };
        await expect(load(cut, "")).rejects.toThrow(effect);
      }
      const more = { ...sources };
      const file = `contexts/${kind}`;
      more[file] = `local context = (function(...) ${sources[file]}\nend)(...)
        context.other = print
        return context`;
      await expect(load(more, "")).rejects.toThrow(`handles 'other', which is no effect`);
    }, 60_000);
  }

  test("are performed through effects.lua only", () => {
    const found = Object.entries(sources).flatMap(([file, source]) =>
      file === "kernel/core/effects" ? [] : [...source.matchAll(/\.context(?:\.(\w+)|\[)/g)]
        .filter(([, name]) => !["kind", "delivers"].includes(name!))
        .map(([text]) => `${file}: ${text}`)
    );
    // The end of a unit is no effect: nobody performs it.
    expect(found).toEqual(["kernel/core/unit: .context.ended"]);
  });
});

describe("files", () => {
  /** The files that a file uses, by its text. */
  const uses = (source: string) =>
    [...source.matchAll(/\buse\("([\w/]+)"/g)].map(([, name]) => name!);

  test("do not assign into the table of another file", () => {
    const found: string[] = [];
    for (const [file, source] of Object.entries(sources)) {
      const others = [...source.matchAll(/^\s*local (\w+) = (?:runtime\.)?use\("[\w/]+"/gm)]
        .map(([, name]) => name!);
      for (const name of new Set(others)) {
        // What runs is a unit, which has fields of its own.
        const own = new RegExp(
          `^\\s*(?:function ${name}[.:]\\w|${name}\\.(?!current\\.)[\\w.]+ = )`,
          "gm",
        );
        for (const [text] of source.matchAll(own)) found.push(`${file}: ${text.trim()}`);
        const several = new RegExp(`^\\s*(?:[\\w.]+, )+${name}\\.[\\w.]+(?:, [\\w.]+)* =`, "gm");
        for (const [text] of source.matchAll(several)) found.push(`${file}: ${text.trim()}`);
      }
      if (/rawset\(_G\b|\b_G[.[]\S+ = /.test(source)) found.push(`${file}: a global`);
    }
    expect(found).toEqual([]);
  });

  test("use each other without a circle", () => {
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: string[]) => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      else if (!done.has(file)) {
        for (const other of uses(sources[file] ?? "")) visit(other, [...path, file]);
        done.add(file);
      }
    };
    for (const file of Object.keys(sources)) visit(file, []);
    expect(circles).toEqual([]);
  });

  test("of the kernel do not use modules or contexts, but where they are put together", () => {
    const found = Object.entries(sources).flatMap(([file, source]) =>
      file.startsWith("kernel/") &&
        !["kernel/boot", "kernel/kernel", "kernel/globals"].includes(file)
        ? uses(source).filter((other) => /^(modules|contexts)\b/.test(other)).map((other) =>
          `${file} → ${other}`
        )
        : []
    );
    expect(found).toEqual([]);
  });
});
