/**
 * @file Build step after the compiler: puts the schema and the models (as templates for `dlc init`) into
 * the package, so that an installed compiler has them without the repository, and removes what earlier
 * builds made of sources that are gone.
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

for (const name of ["runtime", "compiler"]) {
  const folder = join(repository, name);
  for (const file of readdirSync(join(folder, "dist"), { recursive: true })) {
    const source = file.replace(/\.(js|d\.ts)(\.map)?$/, ".ts");
    if (source !== file && !existsSync(join(folder, source))) rmSync(join(folder, "dist", file));
  }
}
