import { defineConfig } from "vitest/config";

/**
 * The suites that train models, one at a time: `*.models.ts` (minutes) and `*.long.ts` (longer).
 * The npm scripts choose by file name.
 */
export default defineConfig({
  test: {
    include: ["test/models/**/*.{models,long}.ts"],
    testTimeout: 60 * 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    reporters: ["default"],
  },
});
