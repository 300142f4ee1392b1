import { z } from "@hono/zod-openapi";
import { type Plain, plain } from "../plain.ts";
import { type AdminTarget, answer, failures, route, routes } from "../route.ts";

const secret = /secret|password|passwd|token|credential|private|key$/i;

/** A value of the configuration, with what looks like a secret left out. */
export function withoutSecrets(value: Plain, name = ""): Plain {
  if (secret.test(name) && value !== null && typeof value !== "boolean") return "(hidden)";
  if (Array.isArray(value)) return value.map((element) => withoutSecrets(element, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, element]) => [key, withoutSecrets(element, key)]),
  );
}

/** The configuration in force. */
export function configRoutes({ config }: AdminTarget) {
  return routes().openapi(
    route({
      role: "viewer",
      method: "get",
      path: "/config",
      tags: ["Runtime"],
      summary: "The configuration in force; what looks like a secret is hidden",
      responses: { 200: answer(z.record(z.string(), z.unknown()), "By section"), ...failures },
    }),
    (context) => context.json(withoutSecrets(plain(config)) as Record<string, unknown>, 200),
  );
}
