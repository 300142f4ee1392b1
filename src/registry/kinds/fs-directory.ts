import { z } from "../schema.ts";
import { defineKind, required } from "../kind.ts";

/** Where a relative directory starts: at the application, or at the module that owns the entry, as without it. */
const base = () => z.enum(["project", "module"]).optional();

/** A directory whose files go into packs; code may only read it. */
export const fsEmbed = defineKind({
  name: "fs.embed",
  schema: () =>
    z.object({ directory: required("directory", 'add "directory: ./PATH"'), base: base() }),
});

/** A directory that code may read and write. */
export const fsDirectory = defineKind({
  name: "fs.directory",
  schema: () =>
    z.object({
      directory: required("directory", 'add "directory: ./PATH"'),
      /** Make the directory when it is missing. */
      auto_init: z.boolean().default(false),
      /** Permission bits of the directory; the owner's bits gate what code may do. */
      mode: z.string().default("0755").transform((text, context): number => {
        if (/^0?[0-7]{3}$/.test(text)) return parseInt(text, 8);
        context.addIssue({
          code: "custom",
          message: `bad mode "${text}"`,
          params: { fix: 'write octal digits in quotes, like "0755"' },
        });
        return z.NEVER;
      }),
      base: base(),
    }),
});
