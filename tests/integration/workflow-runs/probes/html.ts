/** What a replay must see the same of the module `html`. */
export const probes = {
  "html.sanitize.new_policy":
    `html.sanitize.new_policy():allow_elements("b"):allow_attrs("id"):globally():sanitize("<b id=x>a</b><i>")`,
  "html.sanitize.ugc_policy": `html.sanitize.ugc_policy():sanitize("<a href='/x'>a</a>")`,
  "html.sanitize.strict_policy": `html.sanitize.strict_policy():sanitize("<b>a</b>")`,
};
