import { defineConfig } from "drizzle-kit";

// `bun x drizzle-kit generate --name what-changed` writes the next migration; list it in
// migrations.ts.
export default defineConfig({
  dialect: "sqlite",
  schema: "./src/workflows/providers/sqlite/store/schema.ts",
  out: "./src/workflows/providers/sqlite/migrations",
});
