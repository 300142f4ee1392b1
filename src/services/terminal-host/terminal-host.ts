import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";
import { defineService, untilStopped } from "../service.ts";

/** Runs one process with the terminal; its end ends the runtime. */
export const terminalHost = defineService({
  name: "terminal.host",
  host: "terminal",
  fixed: "a terminal host lives as long as the runtime",
  schema: () => z.object({ hide_logs: z.boolean().default(false), lifecycle: lifecycle() }),
  // Two processes would read from one terminal, and the end of either ends the runtime.
  limits: () => ({ processes: 1 }),
  // Every script has one: it is not worth a file to load.
  load: () => ({ host }, { lifecycle }) =>
    untilStopped({
      open: () => {
        host.claimTerminal();
        host.set("running");
      },
      close: async () => {
        host.set("stopping");
        await host.drain(lifecycle.stop_timeout);
        host.set("stopped");
      },
      kill: () => host.set("stopped"),
    }),
});
