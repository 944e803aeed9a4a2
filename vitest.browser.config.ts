import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Pages in Chromium (`test/browser`), one suite at a time: they train and draw on all cores. */
export default defineConfig({
  resolve: {
    alias: [
      {
        find: /^@dlc\/runtime$/,
        replacement: fileURLToPath(new URL("./runtime/index.ts", import.meta.url)),
      },
    ],
  },
  test: {
    include: ["test/browser/**/*.browser.ts"],
    globalSetup: ["test/support/build.ts"],
    testTimeout: 5 * 60_000,
    hookTimeout: 2 * 60_000,
    maxWorkers: 1,
    fileParallelism: false,
    reporters: ["default"],
  },
});
