import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import { parseId } from "../../registry/entry.ts";
import { defineOperation, type Operation } from "../operation.ts";

const key = lazy(() => z.string({ error: "a key is text" }));

/** Host operations of the module `env`. */
export const env: Operation[] = [
  defineOperation({
    name: "env.get",
    summary: "The value of an environment variable, or its default.",
    mode: "immediate",
    arguments: () => [key()],
    permission: (name) => ({ action: "env.get", resource: name }),
    run: ({ services, entry }, name) => services.environment.get(name, parseId(entry).namespace),
  }),
  defineOperation({
    name: "env.set",
    summary: "Sets an environment variable that exists.",
    mode: "immediate",
    arguments: () => [key(), z.string({ error: "a value is text" })],
    permission: (name) => ({ action: "env.set", resource: name }),
    run({ services, entry }, name, value) {
      services.environment.set(name, value, parseId(entry).namespace);
      return true;
    },
  }),
  defineOperation({
    name: "env.get_all",
    summary: "The raw contents of every environment storage.",
    mode: "immediate",
    arguments: [],
    run: ({ services }) => services.environment.all(),
  }),
];
