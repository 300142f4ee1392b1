import { defineService } from "../service.ts";
import { terminalHost } from "../terminal-host/terminal-host.ts";
import { schema } from "./schema.ts";

/** Keeps one process running. */
export const processService = defineService({
  name: "process.service",
  onChange: "next_start",
  references: [
    { path: ["process"], bareName: true, kinds: ["process.lua", "workflow.lua"] },
    {
      path: ["host"],
      bareName: false,
      kinds: ["process.host", "terminal.host", "workflow.host", "temporal.worker"],
    },
  ],
  schema,
  requires: ({ host }) => [host],
  foreground: ({ data }, entries) => entries.get(String(data["host"]))?.kind === terminalHost.name,
  load: () => import("./service.ts").then(({ runProcess }) => runProcess),
});
