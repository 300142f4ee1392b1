import type { ServiceContext } from "../../context.ts";
import type { ServerSettings } from "../schema.ts";
import { ServerDriver } from "../server.ts";
import { SqlService } from "../service.ts";
import { mysqlDialect } from "./mysql.ts";

/** A database of a MySQL or MariaDB server as a service: it runs while the server can be reached. */
export function runMysql(
  { platform, directory }: ServiceContext,
  settings: ServerSettings,
): SqlService {
  const driver = new ServerDriver(mysqlDialect(settings, directory), settings.pool, platform);
  return new SqlService(driver, () => driver.kill());
}
