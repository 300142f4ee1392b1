/** What a caller may do: `viewer` looks, `operator` acts on units and runs, `admin` does everything. */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = typeof roles[number];

/** Whether a role may do what another one may. */
export function includesRole(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}
