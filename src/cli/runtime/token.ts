/**
 * `wippy token`: who may use the admin server.
 * @module
 */
import { moment } from "../../observe/measure.ts";
import type { Role } from "../../admin/role.ts";
import { Tokens } from "../../admin/tokens.ts";
import { type ConnectOptions, stateOf } from "../connection.ts";
import type { Console } from "../terminal/terminal.ts";
import { table } from "../terminal/table.ts";

/** `wippy token create` */
export function createToken(
  console: Console,
  name: string,
  options: ConnectOptions & { role: Role },
): number {
  const token = new Tokens(stateOf(console, options)).create(name, options.role);
  if (options.json) console.out(`${JSON.stringify({ name, role: options.role, token })}\n`);
  else {
    console.err(`token ${name} of role ${options.role}; it is shown only now:\n`);
    console.out(`${token}\n`);
  }
  return 0;
}

/** `wippy token list` */
export function listTokens(console: Console, options: ConnectOptions): number {
  const tokens = new Tokens(stateOf(console, options)).list();
  if (options.json) console.out(`${JSON.stringify({ tokens })}\n`);
  else if (tokens.length === 0) console.out("No tokens but the owner's\n");
  else {
    console.out(table(
      ["NAME", "ROLE", "CREATED"],
      tokens.map(({ name, role, created }) => [name, role, moment(created)]),
    ));
  }
  return 0;
}

/** `wippy token revoke` */
export function revokeToken(console: Console, name: string, options: ConnectOptions): number {
  new Tokens(stateOf(console, options)).revoke(name);
  console.out(options.json ? `${JSON.stringify({ ok: true })}\n` : `token ${name} is revoked\n`);
  return 0;
}
