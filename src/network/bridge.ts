import { mkdtempSync, rmSync } from "node:fs";
import net, { type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A socket file that leads into a connection, for a client that can connect to a file and to hosts, but not through a
 * proxy. Only this user can reach the file, and only the first who connects gets the connection.
 */
export class Bridge {
  readonly #folder: string;
  readonly #far: Socket;
  readonly #server: net.Server;
  #near: Socket | undefined;

  private constructor(far: Socket) {
    this.#far = far;
    this.#folder = mkdtempSync(join(tmpdir(), "wippy-bridge-"));
    this.#server = net.createServer((near) => this.#join(near));
    far.on("error", () => {});
    far.once("close", () => this.close());
  }

  /** Where the client connects to. */
  get path(): string {
    return join(this.#folder, "s");
  }

  /** @throws Error of the system */
  static async open(far: Socket): Promise<Bridge> {
    const bridge = new Bridge(far);
    const open = Promise.withResolvers<void>();
    bridge.#server.once("error", open.reject).once("listening", open.resolve);
    bridge.#server.listen(bridge.path);
    try {
      await open.promise;
      return bridge;
    } catch (error) {
      bridge.close();
      throw error;
    }
  }

  #join(near: Socket): void {
    near.on("error", () => {});
    if (this.#near !== undefined) return void near.destroy();
    this.#near = near;
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
    near.pipe(this.#far).pipe(near);
    near.once("close", () => this.close());
  }

  /** Ends the connection. Twice is harmless. */
  close(): void {
    this.#server.close();
    this.#near?.destroy();
    this.#far.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
