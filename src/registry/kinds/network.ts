import { z } from "../schema.ts";
import { defineKind, required } from "../kind.ts";

/** Longest name and password of SOCKS5, in bytes. */
const longestCredential = 255;

/** Where a proxy listens and what it wants to know. */
const proxySchema = () =>
  z.object({
    /** `host:port`; an IPv6 address in brackets. */
    addr: required("addr", 'add "addr: host:port" of the proxy').transform((text, context) => {
      const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^:\s/@[\]]+):(\d{1,5})$/.exec(text) ?? [];
      if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) {
        return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
      }
      context.addIssue({
        code: "custom",
        message: `bad addr "${text}"`,
        params: { fix: 'write "addr: host:port", without a scheme' },
      });
      return z.NEVER;
    }),
    username: credential("username"),
    password: credential("password"),
  }).superRefine(({ username, password }, context) => {
    if (password === undefined || username !== undefined) return;
    context.addIssue({
      code: "custom",
      message: "password is given without username",
      params: { fix: 'add "username: NAME"' },
    });
  });

function credential(name: string) {
  return z.string().optional().refine(
    (text) => text === undefined || text !== "" && Buffer.byteLength(text) <= longestCredential,
    {
      error: `${name} must have 1 to ${longestCredential} bytes`,
      params: { fix: "leave it out if the proxy asks for none" },
    },
  );
}

/** A network that is reached through a SOCKS5 proxy. */
export const socks5Network = defineKind({ name: "network.socks5", schema: proxySchema });

/** A network that is reached through an HTTP proxy, by its method CONNECT. */
export const httpNetwork = defineKind({ name: "network.http", schema: proxySchema });
