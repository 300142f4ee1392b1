import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { defineOperation, luaString, type Operation } from "../operation.ts";
import { readYaml, writeYaml } from "./document.ts";

const anything = lazy(() => z.custom<LuaValue>(() => true));

/** Host operations of the module `yaml`. */
export const yaml: Operation[] = [
  defineOperation({
    name: "yaml.decode",
    summary: "Returns the value of a YAML text's first document.",
    mode: "pure",
    arguments: () => [luaString()],
    run(_context, text) {
      if (typeof text === "string") return readYaml(text);
      throw new WippyError("Internal", "YAML: the text must be UTF-8", { retryable: false });
    },
  }),
  defineOperation({
    name: "yaml.encode",
    summary: "Returns a table as YAML text.",
    mode: "pure",
    arguments: () => [anything(), z.number().int(), z.array(z.string()).optional()],
    run: (_context, value, indent, fieldOrder) => writeYaml(value, fieldOrder ?? [], indent),
  }),
];
