import { createConnection, createServer, type Socket } from "node:net";
import { cleanAfterTest } from "../../cleanup.ts";

/** A way to a server that can be cut. */
export interface CutProxy {
  readonly address: string;
  /** Connections break, and new ones are refused. */
  cut(): void;
  /** Connections stay, and nothing comes through: nobody is told. */
  swallow(): void;
  /** New connections come through; those that swallowed are reset. */
  mend(): void;
}

/** Opens a proxy to a server's port, which is closed after the test. */
export async function cutProxy(port: number): Promise<CutProxy> {
  let state: "open" | "cut" | "swallowing" = "open";
  const sockets = new Set<Socket>();
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const proxy = createServer((near) => {
    hold(near);
    if (state === "cut") return near.destroy();
    if (state === "swallowing") return near.resume();
    const far = createConnection(port, "127.0.0.1");
    hold(far);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.on("data", (bytes) => state === "open" && far.write(bytes));
    far.on("data", (bytes) => state === "open" && near.write(bytes));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  cleanAfterTest(() => {
    breakAll();
    proxy.close();
  });
  const { port: own } = proxy.address() as { port: number };
  return {
    address: `127.0.0.1:${own}`,
    cut() {
      state = "cut";
      breakAll();
    },
    swallow() {
      state = "swallowing";
    },
    mend() {
      if (state === "swallowing") breakAll();
      state = "open";
    },
  };
}
