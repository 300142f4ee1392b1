/** What a replay must see the same of the module `compress`. */
export const probes = {
  "compress.gzip.encode": `compress.gzip.encode("xxxx")`,
  "compress.deflate.encode": `compress.deflate.encode("xxxx")`,
  "compress.zlib.encode": `compress.zlib.encode("xxxx")`,
  "compress.brotli.encode": `compress.brotli.encode("xxxx")`,
  "compress.zstd.encode": `compress.zstd.encode("xxxx")`,
  "compress.gzip.decode":
    `compress.gzip.decode(compress.gzip.encode("xxxx")), compress.gzip.decode("?")`,
  "compress.deflate.decode":
    `compress.deflate.decode(compress.deflate.encode("xxxx")), compress.deflate.decode("?")`,
  "compress.zlib.decode":
    `compress.zlib.decode(compress.zlib.encode("xxxx")), compress.zlib.decode("?")`,
  "compress.brotli.decode":
    `compress.brotli.decode(compress.brotli.encode("xxxx")), compress.brotli.decode("?")`,
  "compress.zstd.decode":
    `compress.zstd.decode(compress.zstd.encode("xxxx")), compress.zstd.decode("?")`,
  "compress.zstd.train_dict":
    `compress.zstd.train_dict({ "xxxxxxxx" }), compress.zstd.train_dict({})`,
  "compress.zstd.inspect_dict": `compress.zstd.inspect_dict("?")`,
};
