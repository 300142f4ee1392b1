import { defineService } from "../service.ts";
import { supervisorCode } from "./code.ts";
import { name, schema } from "./schema.ts";

/** Keeps a tree of processes running, with the words and rules of Erlang/OTP's supervisor. */
export const processSupervisor = defineService({
  name,
  onChange: "next_start",
  references: [
    { path: ["host"], bareName: false, kinds: ["process.host"] },
    { path: ["children", "*", "process"], bareName: true, kinds: ["process.lua"] },
    { path: ["children", "*", "supervisor"], bareName: true, kinds: [name] },
    { path: ["children", "*", "host"], bareName: false, kinds: ["process.host"] },
  ],
  schema,
  requires: ({ host }) => [host],
  code: supervisorCode,
  load: () => import("./service.ts").then(({ runSupervisor }) => runSupervisor),
});
