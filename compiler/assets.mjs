/**
 * @file Build step: puts the schema and the models (as templates for `dlc init`) into the package,
 * so that an installed compiler has them without the repository.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const repository = dirname(here);
const assets = join(here, "assets");

rmSync(assets, { recursive: true, force: true });
mkdirSync(join(assets, "templates"), { recursive: true });
cpSync(join(repository, "schema"), join(assets, "schema"), { recursive: true });
for (const name of readdirSync(join(repository, "models"))) {
  const model = join(repository, "models", name);
  if (!existsSync(join(model, "spec.yaml"))) continue;
  cpSync(model, join(assets, "templates", name), {
    recursive: true,
    filter: (path) => !/(runs|generated|cifar-10-batches-bin|expected\.json)$/.test(path),
  });
}
