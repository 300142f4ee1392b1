/** A runtime on a Temporal server as a program of its own, to be killed: `runtime-process.ts ADDRESS QUEUE EFFECTS`. */
import { appendFileSync } from "node:fs";
import { unpack } from "../../../src/vm/codec.ts";
import { connect } from "../../../src/workflows/providers/temporal/connection/connection.ts";
import { PayloadConverter } from "../../../src/workflows/providers/temporal/payloads/payloads.ts";
import { TemporalProvider } from "../../../src/workflows/providers/temporal/temporal.ts";
import type { Place } from "../../conformance/place.ts";
import { Runtime } from "../../conformance/runtime.ts";
import { scripts } from "./killed-scripts.ts";

const [address = "", taskQueue = "", effects = ""] = process.argv.slice(2);

const place: Place = {
  runsAhead: false,
  provider: (options) =>
    new TemporalProvider({
      ...options,
      connect: () => connect({ address, namespace: "default" }),
      conversion: new PayloadConverter(),
      hosts: [{ hostId: "app:workflows", taskQueue, stickyTimeout: 500 }],
    }),
  crashed: () => place,
  faults: () => [],
  remove() {},
};

const runtime = new Runtime({
  place,
  scripts,
  activities: {
    // Seen from outside, whatever becomes of this process.
    "app:effect": (_task, name) => {
      appendFileSync(effects, `${name}\n`);
      return name;
    },
  },
});
runtime.provider.onMessage(({ payloads }) => {
  appendFileSync(effects, `${unpack(payloads)}\n`);
});
await runtime.provider.open();
runtime.connect();
console.log("ready");
