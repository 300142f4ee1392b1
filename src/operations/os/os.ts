import { defineOperation, type Operation } from "../operation.ts";
import { system } from "./system.ts";

/** Host operations of the global `os`. */
export const os: Operation[] = [
  ...system,
  defineOperation({
    name: "os.clock",
    summary: "Seconds since the runtime started.",
    mode: "pure",
    arguments: [],
    run({ services }) {
      return (services.clock.now() - services.startedAt) / 1000;
    },
  }),
];
