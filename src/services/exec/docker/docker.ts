import type { OutputName } from "../../../operations/exec/requests.ts";
import { WippyError } from "../../../vm/error.ts";
import { Output, type OutputLimit } from "../output.ts";
import type { Command, Program } from "../program.ts";
import type { DockerSettings } from "../schema.ts";
import { Attached } from "./attached.ts";
import type { Engine } from "./engine.ts";

/** The body of the request that makes a container. */
export function containerOf(settings: DockerSettings, { words, directory, env }: Command): object {
  const workDir = directory ?? settings.default_work_dir;
  return {
    Image: settings.image,
    Cmd: words,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...(workDir !== undefined && { WorkingDir: workDir }),
    ...(settings.user !== undefined && { User: settings.user }),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    HostConfig: {
      ...(settings.network_mode !== undefined && { NetworkMode: settings.network_mode }),
      Binds: settings.volumes,
      Memory: settings.memory_limit ?? 0,
      CpuPeriod: settings.cpu_quota === undefined ? 0 : 100_000,
      CpuQuota: settings.cpu_quota ?? 0,
      AutoRemove: settings.auto_remove,
      ReadonlyRootfs: settings.read_only_rootfs,
      SecurityOpt: settings.no_new_privileges ? ["no-new-privileges"] : [],
      CapDrop: settings.cap_drop,
      CapAdd: settings.cap_add,
      ...(settings.pids_limit !== undefined && { PidsLimit: settings.pids_limit }),
      Tmpfs: settings.tmpfs,
    },
  };
}

/** A program in a container of its own. */
export class DockerProgram implements Program {
  readonly early = false;
  readonly #engine: Engine;
  readonly #container: object;
  readonly #started = Promise.withResolvers<{ id: string; attached: Attached }>();
  readonly #exited = Promise.withResolvers<number>();
  readonly #outputs: Record<OutputName, Output>;
  #inputClosed = false;

  constructor(engine: Engine, container: object, limit: OutputLimit) {
    this.#engine = engine;
    this.#container = container;
    // Nobody may ask before it has failed.
    this.#started.promise.catch(() => {});
    this.#exited.promise.catch(() => {});
    const output = (name: OutputName) =>
      new Output(async () => await (await this.#started.promise).attached.next(name), limit);
    this.#outputs = { stdout: output("stdout"), stderr: output("stderr") };
  }

  get exited(): Promise<number> {
    return this.#exited.promise;
  }

  async start(): Promise<void> {
    try {
      const id = await this.#engine.create(this.#container);
      this.#started.resolve({ id, attached: await this.#run(id) });
    } catch (error) {
      this.#started.reject(error);
      this.#exited.reject(error);
      throw error;
    }
  }

  /** Attaches first, so that nothing is missed of a container that ends at once. */
  async #run(id: string): Promise<Attached> {
    let attached: Attached | undefined;
    try {
      const { socket, first } = await this.#engine.attach(id);
      attached = new Attached(socket, first);
      const exited = this.#engine.wait(id);
      exited.then(this.#exited.resolve, this.#exited.reject);
      await this.#engine.start(id);
      return attached;
    } catch (error) {
      attached?.close();
      await this.#engine.remove(id).catch(() => {});
      throw error;
    }
  }

  read(output: OutputName, size: number): Promise<Uint8Array> {
    return this.#outputs[output].read(size);
  }

  discard(output: OutputName): void {
    this.#outputs[output].discard();
  }

  #mustBeOpen(): void {
    if (!this.#inputClosed) return;
    throw new WippyError("Invalid", "the input of the program is closed", { retryable: false });
  }

  async write(data: Uint8Array): Promise<void> {
    const { attached } = await this.#started.promise;
    this.#mustBeOpen();
    try {
      await attached.write(data);
    } catch (error) {
      throw new WippyError("Internal", "the program does not read its input any more", {
        retryable: false,
        cause: error,
      });
    }
  }

  async closeInput(): Promise<void> {
    const { attached } = await this.#started.promise;
    this.#mustBeOpen();
    this.#inputClosed = true;
    attached.closeInput();
  }

  async signal(number: number): Promise<void> {
    const { id } = await this.#started.promise;
    await this.#engine.kill(id, number);
  }
}
