import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { asLua } from "../../vm/value.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaList,
  luaString,
  type Operation,
} from "../operation.ts";
import {
  expirationOf,
  limitOf,
  listing,
  objectHeaders,
  presigning,
  reading,
  timeoutOf,
  writing,
} from "./options.ts";

const storage = lazy(() => addedByModule(z.string({ error: "a storage id is text" })));
const key = lazy(() => z.string({ error: "a key is UTF-8 text" }));
const network = lazy(() => addedByModule(z.string().optional()));
const handle = lazy(() => addedByModule(z.int()));

/** A handle is no right: each operation asks. */
const mayUse = (id: string) => ({ action: "cloudstorage.get", resource: id });

/** What a request that makes an object demands. */
function conditions(onlyIfAbsent: boolean | undefined): Record<string, string> {
  return onlyIfAbsent ? { "if-none-match": "*" } : {};
}

/** Host operations of the module `cloudstorage`. */
export const cloudstorage: Operation[] = [
  defineOperation({
    name: "cloudstorage.get",
    summary: "Checks that there is a storage.",
    mode: "async",
    arguments: () => [storage()],
    permission: mayUse,
    async run({ services }, id) {
      const { storageOf } = await import("./storage.ts");
      storageOf(services, id);
      return true;
    },
  }),
  defineOperation({
    name: "cloudstorage.list",
    summary: "Returns a page of objects.",
    mode: "async",
    arguments: () => [storage(), listing(), network()],
    permission: mayUse,
    async run(context, id, options, way) {
      const { storageOf } = await import("./storage.ts");
      const { listObjects } = await import("./objects.ts");
      return await listObjects(context, storageOf(context.services, id), options, way);
    },
  }),
  defineOperation({
    name: "cloudstorage.head",
    summary: "Returns what is known of an object, without its content.",
    mode: "async",
    arguments: () => [storage(), key(), reading(), network()],
    permission: mayUse,
    async run(context, id, name, { timeout, max_size: limit }, way) {
      const { checkKey, storageOf } = await import("./storage.ts");
      const { described } = await import("./objects.ts");
      const { send } = await import("./client.ts");
      const request = { method: "HEAD", key: checkKey(name) };
      const sending = { timeout: timeoutOf(timeout), limit: limitOf(limit), network: way };
      const answer = await send(context, storageOf(context.services, id), request, sending);
      return described(name, answer);
    },
  }),
  defineOperation({
    name: "cloudstorage.read",
    summary: "Returns an object, whole or as a stream.",
    mode: "async",
    arguments: () => [storage(), key(), reading(), z.boolean(), network()],
    permission: mayUse,
    async run(context, id, name, options, stream, way) {
      const { storageOf } = await import("./storage.ts");
      const { readObject } = await import("./objects.ts");
      return await readObject(context, storageOf(context.services, id), name, options, stream, way);
    },
  }),
  defineOperation({
    name: "cloudstorage.put",
    summary: "Makes an object of bytes.",
    mode: "async",
    arguments: () => [storage(), key(), luaString(), writing(), network()],
    permission: mayUse,
    async run(context, id, name, content, options, way) {
      const { checkKey, storageOf } = await import("./storage.ts");
      const { plainTag } = await import("./objects.ts");
      const { send } = await import("./client.ts");
      const headers = { ...objectHeaders(options), ...conditions(options.only_if_absent) };
      const request = { method: "PUT", key: checkKey(name), headers };
      const answer = await send(context, storageOf(context.services, id), request, {
        timeout: timeoutOf(options.timeout),
        limit: limitOf(undefined),
        network: way,
        content: bytesOf(content),
      });
      return { etag: plainTag(answer.headers["Etag"] ?? "") };
    },
  }),
  defineOperation({
    name: "cloudstorage.upload",
    summary: "Begins an object that is written while it is sent.",
    mode: "async",
    arguments: () => [storage(), key(), writing(), network()],
    permission: mayUse,
    async run(context, id, name, options, way) {
      const { checkKey, storageOf } = await import("./storage.ts");
      const { ObjectUpload } = await import("./upload.ts");
      const upload = new ObjectUpload(
        context,
        storageOf(context.services, id),
        { method: "PUT", key: checkKey(name), headers: objectHeaders(options) },
        conditions(options.only_if_absent),
        { timeout: timeoutOf(options.timeout), limit: limitOf(undefined), network: way },
      );
      return context.resources.add(upload);
    },
  }),
  defineOperation({
    name: "cloudstorage.upload_write",
    summary: "Takes bytes of an object; waits while a part is sent.",
    mode: "async",
    arguments: () => [handle(), luaString()],
    async run({ resources, signal }, id, bytes) {
      const { ObjectUpload } = await import("./upload.ts");
      await resources.get(id, ObjectUpload).write(bytesOf(bytes), signal);
      return true;
    },
  }),
  defineOperation({
    name: "cloudstorage.upload_finish",
    summary: "Makes the object of what was written.",
    mode: "async",
    arguments: () => [handle()],
    async run({ resources, signal }, id) {
      const { ObjectUpload } = await import("./upload.ts");
      const { plainTag } = await import("./objects.ts");
      const etag = await resources.get(id, ObjectUpload).finish(signal);
      resources.remove(id);
      return { etag: plainTag(etag) };
    },
  }),
  defineOperation({
    name: "cloudstorage.close",
    summary: "Throws away an object that is not finished. Twice is harmless.",
    mode: "async",
    arguments: () => [handle()],
    async run({ resources }, id) {
      await resources.remove(id)?.close();
      return true;
    },
  }),
  defineOperation({
    name: "cloudstorage.delete",
    summary: "Deletes objects.",
    mode: "async",
    arguments: () => [storage(), luaList(key()), network()],
    permission: mayUse,
    async run(context, id, keys, way) {
      const { storageOf } = await import("./storage.ts");
      const { deleteObjects } = await import("./objects.ts");
      const sending = { timeout: timeoutOf(undefined), limit: limitOf(undefined), network: way };
      return await deleteObjects(context, storageOf(context.services, id), keys, sending);
    },
  }),
  defineOperation({
    name: "cloudstorage.presign",
    summary: "Returns a URL with which anybody reads or writes an object for a while.",
    mode: "async",
    arguments: () => [storage(), addedByModule(z.enum(["GET", "PUT"])), key(), presigning()],
    permission: mayUse,
    async run({ services }, id, method, name, options) {
      const { checkKey, presigned, storageOf } = await import("./storage.ts");
      const { content_type: type, content_length: length } = options;
      const headers = {
        ...(type !== undefined && { "content-type": type }),
        ...(length !== undefined && { "content-length": String(length) }),
      };
      const request = { method, key: checkKey(name), headers };
      const seconds = expirationOf(options.expiration);
      const now = services.clock.now();
      return asLua(await presigned(storageOf(services, id), request, seconds, now));
    },
  }),
];
