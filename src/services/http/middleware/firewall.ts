import { refusal } from "../served.ts";
import type { Middleware, Use } from "./use.ts";

/** Lets through who may do an action on the endpoint. */
export function endpointFirewall({ options }: Use): Middleware {
  const action = options["endpoint_firewall.action"] ?? options["action"] ?? "access";
  return async (exchange, next) => {
    if (exchange.endpoint === undefined) return refusal(500);
    exchange.checks.push({ action, resource: exchange.endpoint });
    return await next(exchange);
  };
}

/** Lets through who may do an action on a resource that the options name. */
export function resourceFirewall({ options }: Use): Middleware {
  const action = options["resource_firewall.action"] ?? options["action"] ?? "access";
  const resource = options["resource_firewall.target"] ?? options["target"] ?? "";
  return async (exchange, next) => {
    if (exchange.endpoint === undefined) return refusal(500);
    exchange.checks.push({ action, resource });
    return await next(exchange);
  };
}
