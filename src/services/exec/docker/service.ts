import type { ServiceContext } from "../../context.ts";
import { Executor } from "../executor.ts";
import type { DockerSettings } from "../schema.ts";
import { addressOf } from "./address.ts";
import { Engine } from "./engine.ts";
import { containerOf, DockerProgram } from "./docker.ts";

/** An executor of programs in containers. */
export function runDockerExecutor(context: ServiceContext, settings: DockerSettings): Executor {
  const { DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH } = process.env;
  const system = { DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH };
  const engine = new Engine(addressOf(settings.host, system));
  return new Executor(
    context,
    settings,
    (command, limit) => new DockerProgram(engine, containerOf(settings, command), limit),
  );
}
