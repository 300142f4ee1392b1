import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaList,
  luaString,
  type Operation,
} from "../operation.ts";
import { type Algorithm, compressBytes, decompressBytes, levels } from "./algorithm.ts";
import { dictionaryFacts } from "./dictionary.ts";
import { trainDictionary } from "./training.ts";

const algorithm = lazy(() =>
  addedByModule(z.enum(Object.keys(levels) as [Algorithm, ...Algorithm[]]))
);

/** Host operations of the module `compress`. They run on the platform's threads, not on the worker's. */
export const compress: Operation[] = [
  defineOperation({
    name: "compress.encode",
    summary: "Returns bytes compressed.",
    mode: "async",
    arguments: () => [algorithm(), luaString(), z.number().int(), luaString().optional()],
    run: (_context, name, data, level, dictionary) =>
      compressBytes(name, bytesOf(data), level, dictionary ? bytesOf(dictionary) : undefined),
  }),
  defineOperation({
    name: "compress.decode",
    summary: "Returns bytes decompressed, up to a limit.",
    mode: "async",
    arguments: () => [algorithm(), luaString(), z.number().int(), luaString().optional()],
    run: (_context, name, data, limit, dictionary) =>
      decompressBytes(name, bytesOf(data), limit, dictionary ? bytesOf(dictionary) : undefined),
  }),
  defineOperation({
    name: "compress.inspect_dict",
    summary: "Returns the identifier and the size of a Zstandard dictionary's content.",
    mode: "pure",
    arguments: () => [luaString()],
    run: (_context, dictionary) => dictionaryFacts(bytesOf(dictionary)),
  }),
  defineOperation({
    name: "compress.train_dict",
    summary: "Returns a Zstandard dictionary made of samples.",
    mode: "async",
    arguments: () => [luaList(luaString()), z.number().int(), z.number().int()],
    run: (_context, samples, size, id) => trainDictionary(samples.map(bytesOf), { size, id }),
  }),
];
