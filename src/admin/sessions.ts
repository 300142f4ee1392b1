import { randomBytes } from "node:crypto";

/** Name of the cookie that carries a session. */
export const cookieName = "wippy_session";

/** How long a session lasts since it was last used, in milliseconds. */
export const sessionAge = 12 * 60 * 60 * 1000;
const mostSessions = 1000;

/** Browsers that are signed in, in memory: each stands for the token that it was signed in with. */
export class Sessions {
  readonly #sessions = new Map<string, { token: string; used: number }>();

  /** Begins a session. @returns its secret */
  begin(token: string, now: number): string {
    const oldest = this.#sessions.keys().next().value;
    if (this.#sessions.size >= mostSessions && oldest !== undefined) this.#sessions.delete(oldest);
    const secret = randomBytes(24).toString("base64url");
    this.#sessions.set(secret, { token, used: now });
    return secret;
  }

  /** The token of a session; undefined when it is none or too old. */
  tokenOf(secret: string, now: number): string | undefined {
    const session = this.#sessions.get(secret);
    if (!session) return undefined;
    this.#sessions.delete(secret);
    if (now - session.used > sessionAge) return undefined;
    this.#sessions.set(secret, { ...session, used: now });
    return session.token;
  }

  end(secret: string): void {
    this.#sessions.delete(secret);
  }
}

const failuresAllowed = 10;
const failureWindow = 60_000;
const mostAddresses = 10_000;

/** Counts failed sign-ins by address: who fails too often has to wait. */
export class FailedSignIns {
  readonly #failures = new Map<string, { count: number; since: number }>();

  /** Seconds that an address has to wait; 0 when it may try. */
  wait(address: string, now: number): number {
    const failed = this.#failures.get(address);
    if (!failed || now - failed.since >= failureWindow) return 0;
    return failed.count < failuresAllowed
      ? 0
      : Math.ceil((failed.since + failureWindow - now) / 1000);
  }

  /** Notes a failure. */
  add(address: string, now: number): void {
    const failed = this.#failures.get(address);
    this.#failures.delete(address);
    const fresh = !failed || now - failed.since >= failureWindow;
    this.#failures.set(
      address,
      fresh ? { count: 1, since: now } : { count: failed.count + 1, since: failed.since },
    );
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > mostAddresses && oldest !== undefined) this.#failures.delete(oldest);
  }
}
