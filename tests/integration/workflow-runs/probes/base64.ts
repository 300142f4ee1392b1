/** What a replay must see the same of the module `base64`. */
export const probes = {
  "base64.encode": `base64.encode("x")`,
  "base64.decode": `base64.decode("eA=="), base64.decode("?")`,
};
