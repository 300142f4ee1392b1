import { describe, expect, test } from "bun:test";
import { kinds, suggestKind } from "../../../src/registry/kinds.ts";
import { builtinModules, isModule, suggestModule } from "../../../src/registry/modules.ts";
import { refusedKind, refusedModules } from "../../../src/registry/refused.ts";

/** Modules that applications of the reference runtime may list. */
const modules =
  ("archive base64 cdc channel cloudstorage compress contract crypto ctx env errors eval_runner events excel exec " +
    "expr fs funcs hash html http http_client hub io json loader logger metrics os payload pg process queue registry " +
    "security sql store stream system templates text time treesitter tty uuid websocket workflow yaml")
    .split(" ");

/** Kinds of entries that they may have. */
const entryKinds =
  ("cloudstorage.s3 config.aws contract.binding contract.definition db.sql.mysql db.sql.postgres db.sql.sqlite " +
    "env.storage.file env.storage.memory env.storage.os env.storage.router env.storage.static env.variable " +
    "exec.docker exec.native fs.directory fs.embed function.lua function.lua.bc function.wasm http.endpoint " +
    "http.router http.service http.static library.lua library.lua.bc module.lua network.http network.i2p " +
    "network.socks5 network.tailscale network.tor ns.definition ns.dependency ns.requirement pg.scope process.host " +
    "process.lua process.lua.bc process.service process.wasm queue.consumer queue.driver.amqp queue.driver.memory " +
    "queue.driver.sqs queue.queue registry.entry security.policy security.policy.expr security.token_store " +
    "store.kv.crdt store.kv.raft store.memory store.sql template.jet template.set temporal.client temporal.worker " +
    "terminal.host workflow.lua workflow.lua.bc").split(" ");

/** What is being built; each is either there already, or says that it is not. */
const pending = new Set(
  "queue.driver.sqs".split(" "),
);

/** What a sentence of refusal tells: what it is, that it is not here, and what there is instead. */
const sentence =
  /^(\S+) .*\bthis wippy\b.*(?:, |; )(?:and|use|write|keep|list|or) .*$|^(\S+) .*needs no entry here; .*$/;

/** The names of modules and kinds in what a sentence proposes. */
function proposed(text: string): string[] {
  return text.slice(text.indexOf("; ")).match(/[a-z_]+(?:\.[a-z_0-9]+)*/g)!
    .filter((word) => builtinModules.has(word) || kinds.has(word));
}

describe("a module that the reference runtime has", () => {
  test.each(modules)("%s is there, or refused with what to use instead", (name) => {
    if (isModule(name)) return expect(refusedModules.has(name)).toBe(false);
    const text = suggestModule(name);
    expect(text).toBe(refusedModules.get(name)!);
    expect(text).toMatch(sentence);
    expect(text).toStartWith(`${name} `);
    expect(proposed(text)).not.toBeEmpty();
  });
});

describe("a kind that the reference runtime has", () => {
  const more = ["cdc.postgres", "library.wasm", "wasm.component", "workflow.wasm"];
  test.each([...entryKinds, ...more])(
    "%s is there, or refused with what to use instead",
    (name) => {
      if (kinds.has(name)) return expect(refusedKind(name)).toBeUndefined();
      const text = suggestKind(name);
      if (pending.has(name)) {
        return expect(text).toStartWith(
          "this wippy does not run it; use one of ",
        );
      }
      expect(text).toBe(refusedKind(name)!);
      expect(text).toMatch(sentence);
      if (name !== "module.lua") expect(proposed(text)).not.toBeEmpty();
    },
  );
});

test("what is refused is not there", () => {
  expect([...refusedModules.keys()].filter(isModule)).toEqual([]);
  expect([...kinds.keys()].filter((name) => refusedKind(name) !== undefined)).toEqual([]);
});
