/** @file Global setup of the tests that run what is built: brings it up to date, which is quick if it is. */
import { execSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export function setup(): void {
  execSync("npm run --silent build", {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: ["ignore", "inherit", "inherit"],
  });
}
