/**
 * What the operations of `store` ask the service of a store (`src/services/store`). Values are packed.
 * @module
 */

/** Requests by the name of the operation. */
export interface StoreRequests {
  info: Record<string, never>;
  entry: { key: string };
  /** `ttl` in milliseconds; 0: without end. */
  put: {
    key: string;
    value: Uint8Array;
    ttl: number;
    only_if_absent?: boolean;
    if_version?: string;
  };
  has: { key: string };
  delete: { key: string };
  list: { prefix: string; after: string; limit: number };
}
