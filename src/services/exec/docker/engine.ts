/**
 * The part of Docker's Engine API that runs a container.
 * @module
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { WippyError } from "../../../vm/error.ts";
import type { Address } from "./address.ts";

/** The version that all daemons since 2019 have. */
const version = "v1.40";

/** Bytes that the head of a response may have. */
const maxHead = 64 * 1024;

/** What a daemon says to a request that it refuses. */
function refusal(what: string, status: number, body: string): WippyError {
  let message = body.trim();
  try {
    const parsed = JSON.parse(body) as { message?: unknown };
    if (typeof parsed.message === "string") message = parsed.message;
  } catch {
    // Then it is the text itself.
  }
  const hint = what === "create container" && status === 404 ? "; images are not pulled" : "";
  return new WippyError("Internal", `docker: ${what}: ${message || status}${hint}`, {
    retryable: status >= 500,
    details: { status },
  });
}

/** Codes of `fetch` where nobody listens: its messages ask for a mistake in a URL. */
const unreachable: ReadonlySet<string | undefined> = new Set(["ENOENT", "ECONNREFUSED"]);

function unavailable(what: string, error: unknown, address?: Address): WippyError {
  const { code, message } = error as NodeJS.ErrnoException;
  const text = address && unreachable.has(code)
    ? `no daemon listens at ${"unix" in address ? address.unix : `${address.host}:${address.port}`}`
    : message;
  return new WippyError("Unavailable", `docker: ${what}: ${text}`, {
    retryable: true,
    cause: error,
    ...(code !== undefined && { details: { code } }),
  });
}

/** A daemon of Docker. */
export class Engine {
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  get #base(): string {
    const address = this.#address;
    if ("unix" in address) return `http://localhost/${version}`;
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    return `${address.tls ? "https" : "http"}://${host}:${address.port}/${version}`;
  }

  /** @throws WippyError Unavailable, Internal (details: status) */
  async #request(what: string, method: string, path: string, body?: object): Promise<unknown> {
    const address = this.#address;
    let status: number;
    let text: string;
    try {
      // Some requests wait as long as a container runs; the types do not know the time limit.
      const options: BunFetchRequestInit & { timeout: false } = {
        method,
        timeout: false,
        keepalive: false,
        ...("unix" in address ? { unix: address.unix } : address.tls && { tls: address.tls }),
        ...(body &&
          { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      };
      const response = await fetch(`${this.#base}${path}`, options);
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw unavailable(what, error, address);
    }
    if (status >= 300 && status !== 304) throw refusal(what, status, text);
    try {
      return text.trim() === "" ? undefined : JSON.parse(text);
    } catch (error) {
      throw unavailable(what, error);
    }
  }

  /** Makes a container. Returns its id. */
  async create(container: object): Promise<string> {
    const made = await this.#request("create container", "POST", "/containers/create", container);
    const { Id: id } = (made ?? {}) as { Id?: unknown };
    if (typeof id === "string" && /^[\w.-]+$/.test(id)) return id;
    throw unavailable("create container", new Error("the answer has no id"));
  }

  /** Starts a container. */
  async start(id: string): Promise<void> {
    await this.#request("start container", "POST", `/containers/${id}/start`);
  }

  /** Waits for the next end of a container. Returns its exit code. */
  async wait(id: string): Promise<number> {
    const answer = await this.#request(
      "wait for container",
      "POST",
      `/containers/${id}/wait?condition=next-exit`,
    );
    const { StatusCode: code, Error: failure } = (answer ?? {}) as {
      StatusCode?: unknown;
      Error?: { Message?: string } | null;
    };
    if (failure?.Message) throw unavailable("wait for container", new Error(failure.Message));
    if (typeof code === "number") return code;
    throw unavailable("wait for container", new Error("the answer has no exit code"));
  }

  /** Sends a signal to the first process of a container. */
  async kill(id: string, signal: number): Promise<void> {
    await this.#request("signal container", "POST", `/containers/${id}/kill?signal=${signal}`);
  }

  /** Removes a container by force. */
  async remove(id: string): Promise<void> {
    await this.#request("remove container", "DELETE", `/containers/${id}?force=true&v=true`);
  }

  async #connect(): Promise<Socket> {
    const address = this.#address;
    const socket = "unix" in address
      ? connectTcp({ path: address.unix, allowHalfOpen: true })
      : address.tls
      ? connectTls({ ...address.tls, host: address.host, port: address.port })
      : connectTcp({ host: address.host, port: address.port, allowHalfOpen: true });
    const connected = Promise.withResolvers<void>();
    socket.once("connect", connected.resolve);
    socket.once("error", connected.reject);
    try {
      await connected.promise;
      return socket;
    } catch (error) {
      socket.destroy();
      throw unavailable("attach to container", error);
    } finally {
      socket.off("error", connected.reject);
    }
  }

  /**
   * Attaches to the input and the outputs of a container.
   *
   * @returns the connection, paused, and what came of the outputs with the head of the response
   */
  async attach(id: string): Promise<{ socket: Socket; first: Buffer }> {
    const socket = await this.#connect();
    const address = this.#address;
    const host = "unix" in address ? "localhost" : address.host;
    const head = Promise.withResolvers<{ status: number; rest: Buffer }>();
    let read: Buffer = Buffer.alloc(0);
    const take = (part: Buffer) => {
      read = Buffer.concat([read, part]);
      const end = read.indexOf("\r\n\r\n");
      if (end < 0) {
        if (read.length > maxHead) head.reject(new Error("the head of the response is too long"));
        return;
      }
      socket.pause();
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(read.toString("latin1"))?.[1]);
      if (Number.isNaN(status)) head.reject(new Error("the response is not HTTP"));
      else head.resolve({ status, rest: read.subarray(end + 4) });
    };
    const closed = () => head.reject(new Error("the connection was closed"));
    socket.on("data", take).once("error", head.reject).once("close", closed).once("end", closed);
    const query = "stream=1&stdin=1&stdout=1&stderr=1";
    socket.write(
      `POST /${version}/containers/${id}/attach?${query} HTTP/1.1\r\nHost: ${host}\r\n` +
        "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n",
    );
    try {
      const { status, rest } = await head.promise;
      if (status !== 101 && status !== 200) {
        throw refusal("attach to container", status, rest.toString("utf8"));
      }
      return { socket, first: rest };
    } catch (error) {
      socket.destroy();
      throw error instanceof WippyError ? error : unavailable("attach to container", error);
    } finally {
      socket.off("data", take).off("error", head.reject).off("close", closed).off("end", closed);
    }
  }
}
