/** @file Writes what is generated from the registries: schema/. Run by `npm run generate`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { engineEntries } from "@dlc/runtime";
import { editorSchema } from "./1-load/schema/editor-schema.js";
import { diagnosticsPage } from "./reference/diagnostics-page.js";
import { enginesPage } from "./reference/engines-page.js";
import { layersPage } from "./reference/layers-page.js";
import { specPage } from "./reference/spec-page.js";

/** Text of every generated file, by its path from the root of the repository. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["schema/dlc.schema.json", `${JSON.stringify(editorSchema(), null, 1)}\n`],
    ["schema/spec.md", specPage()],
    ["schema/layers.md", layersPage()],
    ["schema/diagnostics.md", diagnosticsPage()],
    ["schema/engines.md", await enginesPage(engineEntries)],
  ]);
}

async function writeGenerated(root: string): Promise<void> {
  for (const [path, text] of await generatedFiles()) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

const here = fileURLToPath(import.meta.url);
if (process.argv[1] !== undefined && resolve(process.argv[1]) === here) {
  await writeGenerated(resolve(dirname(here), "../.."));
}
