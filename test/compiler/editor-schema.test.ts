import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv, type ValidateFunction } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { editorSchema } from "../../compiler/1-load/schema/editor-schema.js";
import { loadEntries } from "../../compiler/diagnostics/catalogue/load.js";
import type { CatalogueEntry } from "../../compiler/diagnostics/diagnostic.js";
import { layers } from "../../compiler/layers/index.js";

const schema = editorSchema();
const ajv = new Ajv({
  strict: true,
  strictRequired: false,
  strictTypes: false,
  allowUnionTypes: true,
  logger: false,
});
ajv.addKeyword("enumDescriptions");
ajv.addSchema(schema, "dlc");
const isValid = validatorAt("");

/** The validator of a part of the schema, by its JSON pointer. */
function validatorAt(pointer: string): ValidateFunction {
  const validator = ajv.getSchema(`dlc#${pointer}`);
  if (validator === undefined) throw new Error(`there is no ${pointer}`);
  return validator;
}

const models = fileURLToPath(new URL("../../models/", import.meta.url));

it("accepts every model of the repository", () => {
  const folders = [models, `${models}zoo/`].flatMap((parent) =>
    readdirSync(parent, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() && entry.name !== "zoo" ? [`${parent}${entry.name}`] : [],
    ),
  );
  for (const folder of folders) {
    const spec: unknown = parse(readFileSync(`${folder}/spec.yaml`, "utf8"));
    expect([folder, isValid(spec), isValid.errors]).toEqual([folder, true, null]);
  }
});

it("accepts the example of every layer", () => {
  for (const { type, example } of layers.values()) {
    const item: unknown = parse(example);
    const spec = { extends: "base.yaml", model: { layers: [item] } };
    expect([type, isValid(spec), isValid.errors]).toEqual([type, true, null]);
  }
});

it("accepts every right example of the catalogue", () => {
  const entries: [string, CatalogueEntry][] = Object.entries(loadEntries);
  for (const [code, { right }] of entries) {
    if (right === undefined) continue;
    const fragment = parse(right) as object;
    const spec = { extends: "base.yaml", ...fragment };
    expect([code, isValid(spec), isValid.errors]).toEqual([code, true, null]);
  }
});

it("refuses mistakes of structure", () => {
  const structural = ["unknown-key", "wrong-type", "out-of-range", "unknown-value", "wrong-form"];
  for (const code of [...structural, "unknown-name", "unknown-layer", "takes-no-value"]) {
    const { wrong } = (loadEntries as Record<string, CatalogueEntry>)[code]!;
    const spec = { extends: "base.yaml", ...(parse(wrong!) as object) };
    expect([code, isValid(spec)]).toEqual([code, false]);
  }
});

it("accepts expressions wherever numbers stand", () => {
  const dense = { units: "${width}", l2: "${decay / 2}", bias: "${bias}" };
  expect(isValid({ extends: "base.yaml", model: { layers: [{ dense }] } })).toBe(true);
  expect(isValid({ extends: "base.yaml", model: { layers: [{ dense: "${width" }] } })).toBe(false);
});

interface Property {
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

/** Every schema under `properties`, with its JSON pointer. */
function properties(value: unknown, way: string): [string, Property][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === "examples" || key === "default") return [];
    const below = properties(inner, `${way}/${key}`);
    if (key !== "properties") return below;
    const own = Object.entries(inner as Record<string, Property>);
    return [
      ...own.map(([name, p]): [string, Property] => [`${way}/properties/${name}`, p]),
      ...below,
    ];
  });
}

describe("every key", () => {
  // `else` only adds what is required.
  const keys = properties({ ...schema, else: {} }, "");

  it("is described", () => {
    expect(keys.length).toBeGreaterThan(300);
    const silent = keys.filter(([, { description }]) => !description?.endsWith("."));
    expect(silent.map(([way]) => way)).toEqual([]);
  });

  it("has an example that its schema accepts", () => {
    const without = keys.filter(([, { examples }]) => (examples?.length ?? 0) === 0);
    expect(without.map(([way]) => way)).toEqual([]);
    for (const [way, property] of keys) {
      const validate = validatorAt(way);
      for (const example of property.examples ?? []) {
        expect([way, example, validate(example)]).toEqual([way, example, true]);
      }
    }
  });

  it("has a default that its schema accepts, if any", () => {
    for (const [way, property] of keys) {
      if (property.default === undefined) continue;
      const validate = validatorAt(way);
      expect([way, property.default, validate(property.default)]).toEqual([
        way,
        property.default,
        true,
      ]);
    }
  });
});
