import { luaData } from "../../registry/entry-value.ts";
import { parseId, qualify } from "../../registry/entry.ts";
import type { ServiceContext } from "../context.ts";
import { processAsService } from "../process.ts";
import type { Service } from "../service.ts";
import type { ProcessService } from "./schema.ts";

/** One process as a service: it runs while the process does. */
export function runProcess(context: ServiceContext, data: ProcessService): Service {
  const process = qualify(data.process, parseId(context.entry.id).namespace);
  return processAsService(context, {
    process,
    host: data.host,
    input: data.input.map(luaData),
    security: data.lifecycle.security,
  });
}
