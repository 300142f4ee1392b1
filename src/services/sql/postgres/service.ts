import type { ServiceContext } from "../../context.ts";
import type { ServerSettings } from "../schema.ts";
import { ServerDriver } from "../server.ts";
import { SqlService } from "../service.ts";
import { postgresDialect } from "./postgres.ts";

/** A database of a PostgreSQL server as a service: it runs while the server can be reached. */
export function runPostgres(
  { platform, directory, simulation, workers }: ServiceContext,
  settings: ServerSettings,
): SqlService {
  const dialect = postgresDialect(settings, directory);
  const apart = !simulation && workers.apart ? workers : undefined;
  const driver = new ServerDriver(dialect, settings.pool, platform, apart);
  return new SqlService(driver, () => driver.kill());
}
