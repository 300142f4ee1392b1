/** What the names of packs end with. */
export const packSuffix = ".wapp";
