import { defineService } from "../service.ts";

export { httpEndpoint, httpRouter, httpStatic } from "./endpoints.ts";

const schemas = () => require("./schema.ts") as typeof import("./schema.ts");

/** A server that listens at an address. */
export const httpService = defineService({
  name: "http.service",
  host: "connections",
  constant: ["addr"],
  schema: () => schemas().serviceSchema(),
  written: (data) => schemas().doubledTls(data),
  part: { load: () => import("./part.ts").then(({ listenerPart }) => listenerPart) },
  load: () => import("./service.ts").then(({ runServer }) => runServer),
});
