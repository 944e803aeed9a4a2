/** @file Blocks that come with dlc, and blocks with several inputs. */
import { specialTokenNames } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { libraryNames } from "../../compiler/1-load/model/library.js";
import { withCells } from "../../compiler/1-load/resolved-spec.js";
import { blamedIn, reportsOf, specFrom } from "../support/from-yaml.js";
import { complaints } from "../support/lowering.js";

const spec = (layers: string, more = ""): string => `${more}data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [5, 8] } }
  targets: { y: { type: category, classes: [a, b] } }
model:
  layers:
    - { linear: {}, as: steps }
${layers}
    - flatten
    - dense: 2
train: { loss: cross_entropy }`;

const layersOf = (yaml: string) => withCells(specFrom(yaml).layers);

describe("a block that comes with dlc", () => {
  it.each(libraryNames())("%s compiles wherever it stands", (name) => {
    const given = name === "transformer_decoder" ? ", with: { memory: steps }" : "";
    expect(reportsOf(spec(`    - block: { name: ${name}${given} }`))).toEqual([]);
    expect(reportsOf(spec(`    - repeat: { block: ${name}, times: 3${given} }`))).toEqual([]);
    const own = `blocks:\n  mine:\n    layers:\n      - { linear: {}, as: steps }\n      - block: { name: ${name}${given} }\n`;
    expect(reportsOf(spec("    - block: mine", own))).toEqual([]);
  });

  it("gives its parameters to its layers, and keeps the first input going in a repeat", () => {
    const layers = layersOf(
      spec(
        "    - { dense: 4, as: encoder }\n    - { repeat: { block: transformer_decoder, times: 2, with: { memory: encoder, heads: 2, hidden: 3, norm: post } }, from: steps }",
      ),
    );
    const heads = layers
      .filter(({ type }) => type === "attention")
      .map(({ fields }) => fields.heads);
    expect(heads).toEqual([2, 2, 2, 2]);
    const forward = layers.filter(({ type }) => type === "feed_forward");
    expect(forward.map(({ fields }) => fields.hidden)).toEqual([3, 3]);
    const looks = layers.filter(({ name }) => name.endsWith("memory_attention"));
    expect(looks.map(({ from }) => from[1])).toEqual(["encoder", "encoder"]);
    const first = layers.filter(({ name }) => name.endsWith("self_attention"));
    expect(first.map(({ from }) => from)).toEqual([
      ["steps"],
      ["transformer_decoder_1/post_1/norm_3"],
    ]);
  });

  it("makes way for a block of the spec with its name", () => {
    const own = "blocks: { transformer_encoder: { layers: [relu] } }\n";
    const types = layersOf(spec("    - block: transformer_encoder", own)).map(({ type }) => type);
    expect(types).toEqual(["linear", "relu", "flatten", "dense"]);
  });

  it("sees neither blocks nor parameters of the spec, and hides its own blocks from it", () => {
    const own = "params: { norm: 3 }\nblocks: { pre: { layers: [relu] } }\n";
    const layers = layersOf(
      spec('    - block: transformer_encoder\n    - block: pre\n    - { dense: "${norm}" }\n', own),
    );
    expect(layers.filter(({ type }) => type === "attention")).toHaveLength(1);
    expect(layers.filter(({ type }) => type === "relu")).toHaveLength(1);
    expect(blamedIn(spec("    - block: post"))).toEqual([["unknown-block", "post"]]);
  });

  it("points to what the user wrote, and into its own file beside it", () => {
    const yaml = spec("    - block: { name: transformer_causal, with: { heads: 3, dropout: 0 } }");
    expect(blamedIn(yaml)).toEqual([["shape-mismatch", "3"]]);
    const byDefault = spec("    - { dense: 6 }\n    - block: transformer_causal");
    expect(blamedIn(byDefault)).toEqual([["shape-mismatch", "block"]]);
    const files = reportsOf(byDefault)[0]?.notes.map(({ span }) => span?.file);
    expect(files?.at(-1)).toBe("@dlc/compiler/blocks/transformer_causal.yaml");
  });

  it("tells where its values come from", () => {
    const { origins } = specFrom(
      spec("    - block: { name: transformer_causal, with: { heads: 2 } }"),
    );
    const from = (path: string) => origins.find((origin) => origin.path === path)?.from;
    const at = "model.layers.transformer_causal_1/self_attention";
    expect(from(`${at}.heads`)).toBe("param");
    expect(from(`${at}.causal`)).toBe("block");
    expect(from(`${at}.bias`)).toBe("default");
  });
});

describe("a language model", () => {
  const model = (block: string): string => `data:
  source: { arrays: true }
  features: { words: { type: text, tokens: char, max_length: 6 }${/picture/.test(block) ? ", picture: { type: vector, shape: [3, 8] }" : ""} }
model:
  layers:
    - previous: words
    - embedding: 8
    - positions: learned
    - block: { name: ${block} }
    - { logits: words, as: scores }
train: { loss: { cross_entropy: { output: scores, target: words } } }`;
  const facts = { words: { vocabulary: [...specialTokenNames, "a", "b"] } };
  const codesOf = (block: string): readonly string[] =>
    complaints(specFrom(model(block)), facts).map(({ code }) => code);

  it("may be made of the blocks that do not see the future, and of no other", () => {
    expect(codesOf("transformer_causal, with: { heads: 2 }")).toEqual([]);
    expect(codesOf("transformer_decoder, with: { heads: 2, memory: picture }")).toEqual([]);
    expect(codesOf("transformer_encoder, with: { heads: 2 }")).toEqual(["sees-the-future"]);
  });
});

describe("a block with several inputs", () => {
  const both =
    'blocks:\n  both:\n    inputs: [first, second]\n    params: { units: 8 }\n    layers: [{ dense: "${units}", from: second, as: two }, { add: [first, two] }]\n';

  it("reads the layer above, and what 'with' names", () => {
    const layers = layersOf(spec("    - block: { name: both, with: { second: x } }", both));
    expect(layers.find(({ name }) => name === "both_1/two")?.from).toEqual(["x"]);
    expect(layers.find(({ type }) => type === "add")?.from).toEqual(["steps", "both_1/two"]);
  });

  it.each([
    ["both", "missing-key", "block"],
    ["{ name: both, with: { second: nothing } }", "unknown-reference", "nothing"],
    ["{ name: both, with: { second: [x] } }", "wrong-type", "[x]"],
    ["{ name: both, with: { second: x, third: x } }", "unknown-param", "third"],
  ])("blames what is wrong in %s", (use, code, place) => {
    expect(blamedIn(spec(`    - block: ${use}`, both))).toEqual([[code, place]]);
  });
});
