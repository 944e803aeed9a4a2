import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Tests import the sources; only tests of the command line and of packed packages use `dist`. */
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
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // tfjs's gradients exist only as modules that Node cannot load by itself (no file extensions).
    server: { deps: { inline: [/@tensorflow\/tfjs/] } },
    reporters: ["default"],
  },
});
