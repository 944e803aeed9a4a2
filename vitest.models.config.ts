import { defineConfig } from "vitest/config";

/** The long suite: trains the models in `models/` through the built command line, one at a time. */
export default defineConfig({
  test: {
    include: ["test/models/**/*.models.ts"],
    testTimeout: 20 * 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    reporters: ["default"],
  },
});
