import { z } from "../schema.ts";
import { defineKind, required } from "../kind.ts";

/** Region and credentials for services that speak AWS' protocols. */
export const awsConfig = defineKind({
  name: "config.aws",
  schema: () =>
    z.object({
      region: required("region", 'add "region: us-east-1"'),
      access_key_id: required("access_key_id", 'add "access_key_id: ${env:AWS_ACCESS_KEY_ID}"'),
      secret_access_key: required(
        "secret_access_key",
        'add "secret_access_key: ${env:AWS_SECRET_ACCESS_KEY}"',
      ),
      /** Of credentials that expire. */
      session_token: z.string().min(1).optional(),
    }),
});

/** A bucket of a storage for objects that speaks the protocol of S3. */
export const s3Storage = defineKind({
  name: "cloudstorage.s3",
  references: [{ path: ["config"], bareName: false, kinds: ["config.aws"] }],
  schema: () =>
    z.object({
      config: required("config", 'add "config: namespace:name" of a config.aws entry'),
      bucket: required("bucket", 'add "bucket: NAME"').refine(
        (name) => /^[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}$/.test(name),
        {
          error: "bucket must be 2 to 255 letters, digits, dots, hyphens and underscores",
          params: { fix: "use the bucket's name, without s3:// and without a key" },
        },
      ),
      /** Where the storage is when it is not AWS. */
      endpoint: z.string().optional().transform((text, context) => {
        if (text === undefined) return undefined;
        const url = URL.parse(text);
        const plain = url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" &&
          url.search === "" && url.username === "" && url.password === "";
        if (plain) return url.origin;
        context.addIssue({
          code: "custom",
          message: `bad endpoint "${text}"`,
          params: { fix: 'write "endpoint: https://host:port"' },
        });
        return z.NEVER;
      }),
      /** Whether the bucket is in the path instead of the host. @default with `endpoint` */
      path_style: z.boolean().optional(),
    }),
});
