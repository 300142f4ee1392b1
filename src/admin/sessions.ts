import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** How long a session lasts since it was last used, in milliseconds. */
export const sessionAge = 12 * 60 * 60 * 1000;
/** Sessions that one token may have; with another one the oldest ends. */
export const mostSessions = 20;

/** Header that carries the second secret of a session. */
export const sessionHeader = "x-wippy-session";

/** Name of the cookie that carries a session of the server at a port. Browsers send cookies to all ports of a host. */
export function cookieName(port: number): string {
  return `wippy_session_${port}`;
}

/** The two secrets of a session. */
export interface SessionSecrets {
  /** In a cookie, which the browser keeps from scripts but sends to every port of the host. */
  cookie: string;
  /** Kept by the page, in a storage that only its own origin can read, and sent as a header. */
  page: string;
}

interface Session {
  token: string;
  page: Uint8Array;
  used: number;
}

const secret = () => randomBytes(24).toString("base64url");
const hashOf = (text: string) => createHash("sha256").update(text).digest();

/** Browsers that are signed in, in memory: each stands for the token that it was signed in with. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  /** Begins a session. */
  begin(token: string, now: number): SessionSecrets {
    for (const [cookie, { used }] of this.#sessions) {
      if (now - used > sessionAge) this.#sessions.delete(cookie);
    }
    const own = [...this.#sessions].filter(([, session]) => session.token === token);
    // The map is in the order of their last use.
    for (const [cookie] of own.slice(0, Math.max(0, own.length - mostSessions + 1))) {
      this.#sessions.delete(cookie);
    }
    const made = { cookie: secret(), page: secret() };
    this.#sessions.set(made.cookie, { token, page: hashOf(made.page), used: now });
    return made;
  }

  /** The token of a session; undefined without both of its secrets, or when it is too old. */
  tokenOf(cookie: string, page: string, now: number): string | undefined {
    const session = this.#sessions.get(cookie);
    if (!session || !timingSafeEqual(session.page, hashOf(page))) return undefined;
    this.#sessions.delete(cookie);
    if (now - session.used > sessionAge) return undefined;
    this.#sessions.set(cookie, { ...session, used: now });
    return session.token;
  }

  /** Whether a session is open, without its second secret: enough for the page, which holds no data. */
  knows(cookie: string, now: number): boolean {
    const session = this.#sessions.get(cookie);
    return session !== undefined && now - session.used <= sessionAge;
  }

  end(cookie: string): void {
    this.#sessions.delete(cookie);
  }
}

const failuresAllowed = 10;
const failureWindow = 60_000;
const mostAddresses = 10_000;

/** Counts failed sign-ins by address: who fails too often has to wait before the next failure is answered. */
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
