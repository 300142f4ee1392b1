import type * as zod from "zod";
import { required } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";

/** Of the payload. */
export const schema = () =>
  z.object({
    process: required("process", 'add "process: NAME" of a process.lua entry'),
    host: required("host", 'add "host: namespace:name" of a process.host entry').refine(
      (host) => host !== "node:control",
      {
        error: "invalid host: node:control",
        params: { fix: "name a process.host entry of the application" },
      },
    ),
    /** Arguments of the process. */
    input: z.array(z.unknown()).default([]),
    lifecycle: lifecycle(),
  });

/** The payload of a process.service. */
export type ProcessService = zod.output<ReturnType<typeof schema>>;
