import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const runtime = (file: string) => fileURLToPath(new URL(`./runtime/${file}`, import.meta.url));

/** Most tests import the sources; those in `test/cli` run what is built, which is brought up to date first. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@dlc\/runtime$/, replacement: runtime("index.ts") },
      {
        find: /^@dlc\/runtime\/tensorflow-install$/,
        replacement: runtime("engines/tensorflow/install.ts"),
      },
      { find: /^@dlc\/runtime\/(encoding|errors|folder|suggest)$/, replacement: runtime("$1.ts") },
    ],
  },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // tfjs's gradients exist only as modules that Node cannot load by itself (no file extensions).
    server: { deps: { inline: [/@tensorflow\/tfjs/] } },
    reporters: ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "sources",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/cli/**"],
        },
      },
      {
        extends: true,
        test: {
          name: "built",
          include: ["test/cli/**/*.test.ts"],
          globalSetup: ["test/support/build.ts"],
        },
      },
    ],
  },
});
