import { defineService } from "../service.ts";
import { doubledTls, serviceSchema } from "./schema.ts";

export { httpEndpoint, httpRouter, httpStatic } from "./endpoints.ts";

/** A server that listens at an address. */
export const httpService = defineService({
  name: "http.service",
  host: "connections",
  constant: ["addr"],
  schema: serviceSchema,
  written: doubledTls,
  part: { load: () => import("./part.ts").then(({ listenerPart }) => listenerPart) },
  load: () => import("./service.ts").then(({ runServer }) => runServer),
});
