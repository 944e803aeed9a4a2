import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { layers } from "../../compiler/layers/index.js";
import { LanguageServer } from "../support/language-server.js";

/** The editor's side: the real yaml-language-server, and a spec with a modeline in models/. */
const script = createRequire(import.meta.url).resolve(
  "yaml-language-server/bin/yaml-language-server",
);
const uri = pathToFileURL("models/mnist-cnn/unsaved.yaml").href;
const modeline = "# yaml-language-server: $schema=../../schema/dlc.schema.json\n";

let server: LanguageServer;
let version = 0;

beforeAll(async () => {
  server = new LanguageServer(script);
  const capabilities = {
    textDocument: {
      completion: { completionItem: { documentationFormat: ["markdown"] } },
      hover: { contentFormat: ["markdown"] },
    },
  };
  await server.request("initialize", { processId: process.pid, rootUri: null, capabilities });
  server.notify("initialized", {});
  const settings = {
    yaml: { completion: true, hover: true, validate: true, schemaStore: { enable: false } },
  };
  server.notify("workspace/didChangeConfiguration", { settings });
  const textDocument = { uri, languageId: "yaml", version: ++version, text: modeline };
  server.notify("textDocument/didOpen", { textDocument });
});

afterAll(() => server.stop());

/** Shows a text in which | marks the cursor; gives the cursor's place. */
function show(text: string): {
  textDocument: { uri: string };
  position: { line: number; character: number };
} {
  const whole = modeline + text;
  const before = whole.slice(0, whole.indexOf("|")).split("\n");
  server.notify("textDocument/didChange", {
    textDocument: { uri, version: ++version },
    contentChanges: [{ text: whole.replace("|", "") }],
  });
  const position = { line: before.length - 1, character: before.at(-1)!.length };
  return { textDocument: { uri }, position };
}

async function complete(text: string): Promise<string[]> {
  const answer = (await server.request("textDocument/completion", show(text))) as {
    items: readonly { label: string }[];
  };
  return answer.items.map(({ label }) => label);
}

async function hover(text: string): Promise<string> {
  const answer = (await server.request("textDocument/hover", show(text))) as {
    contents: { value: string };
  } | null;
  return answer?.contents.value ?? "";
}

async function problems(text: string): Promise<string[]> {
  const published = server.next("textDocument/publishDiagnostics");
  show(`${text}|`);
  const { diagnostics } = (await published) as { diagnostics: readonly { message: string }[] };
  return diagnostics.map(({ message }) => message);
}

describe("completion", () => {
  it("offers every layer in a list of layers", async () => {
    const offered = await complete("model:\n  layers:\n    - |");
    expect([...layers.keys()].filter((type) => !offered.includes(type))).toEqual([]);
  });

  it("offers the settings of conv2d", async () => {
    const offered = await complete(
      "model:\n  layers:\n    - conv2d:\n        filters: 32\n        |",
    );
    expect(offered).toEqual(expect.arrayContaining(["kernel", "stride", "padding", "activation"]));
    expect(offered).not.toContain("units");
  });

  it("offers the values of a setting", async () => {
    const offered = await complete(
      "model:\n  layers:\n    - dense:\n        units: 2\n        activation: |",
    );
    expect(offered).toEqual(expect.arrayContaining(["relu", "tanh"]));
  });

  it("offers the sections, losses and optimizers", async () => {
    expect(await complete("dlc: 1\n|")).toEqual(expect.arrayContaining(["data", "model", "train"]));
    expect(await complete("train:\n  loss: |")).toContain("cross_entropy");
    expect(await complete("train:\n  optimizer:\n    adam:\n      |")).toContain("beta1");
  });

  it("offers the keys of a feature of its type", async () => {
    const offered = await complete("data:\n  features:\n    x:\n      type: image\n      |");
    expect(offered).toContain("resize");
  });
});

describe("hover", () => {
  it("explains a layer and its settings", async () => {
    const summary = layers.get("conv2d")!.summary.slice(0, 20);
    expect(await hover("model:\n  layers:\n    - con|v2d:\n        filters: 32\n")).toContain(
      summary,
    );
    const field: string = layers.get("conv2d")!.fields.filters.description;
    expect(await hover("model:\n  layers:\n    - conv2d:\n        fil|ters: 32\n")).toContain(
      field,
    );
  });
});

describe("problems", () => {
  const head = "dlc: 1\nname: x\ndata: { source: { arrays: true }, features: { x: number } }\n";

  it("has none in a sound spec", async () => {
    expect(await problems(`${head}model: { layers: [dense: 2] }\n`)).toEqual([]);
  });

  it("shows a key that does not exist", async () => {
    const found = await problems(
      `${head}model: { layers: [dense: { units: 2, activtion: relu }] }\n`,
    );
    expect(found.join("\n")).toContain("activtion");
  });
});
