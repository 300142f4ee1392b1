/** What a replay must see the same of the module `http`: outside of an endpoint there is no request. */
export const probes = {
  "http.request": "http.request()",
  "http.response": "http.response()",
};
