/** @file Every code that training, checkpoints and models can report is in the catalogue, and the reverse. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { runEntries } from "../../compiler/diagnostics/catalogue/run.js";

const runtime = fileURLToPath(new URL("../../runtime/", import.meta.url));
const sources = ["trainer", "checkpoint", "model", "browser"].flatMap((folder) =>
  readdirSync(`${runtime}${folder}`, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(`${runtime}${folder}/${file}`, "utf8")),
);

it("explains each code that these folders use, and no other", () => {
  const used = new Set<string>();
  for (const source of sources) {
    const codes = /(?:new DlcError|stopped|warn)\(\s*"([a-z-]+)"|code: "([a-z-]+)"/g;
    for (const [, direct, field] of source.matchAll(codes)) used.add((direct ?? field) as string);
  }
  expect([...used].sort()).toEqual(Object.keys(runEntries).sort());
});
