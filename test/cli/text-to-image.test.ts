/** @file From YAML to pictures of captions: a model of two phases in time, through the command line. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { dlc, documents, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

const idx = (dims: readonly number[], values: readonly number[]): Buffer => {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head.writeUInt8(8, 2);
  head.writeUInt8(dims.length, 3);
  dims.forEach((dim, i) => {
    head.writeUInt32BE(dim, 4 + 4 * i);
  });
  return Buffer.concat([head, Buffer.from(values)]);
};

/** Images of 4 × 4: the upper half is bright, or the left one. */
const count = 120;
const labels = Array.from({ length: count }, (_, i) => i % 2);
const pixels = labels.flatMap((label) =>
  Array.from({ length: 16 }, (_, i) => ((label === 0 ? i < 8 : i % 4 < 2) ? 250 : 5)),
);

const spec = `dlc: 1
name: halves
data:
  source: { idx: { image: images.idx, label: labels.idx } }
  features:
    image: { type: image, shape: [4, 4, 1], scale: unit }
    caption: { type: text, column: label, tokens: word, words: { "0": "the upper half", "1": left } }
networks:
  encoder: { layers: [{ conv2d: { filters: 4, kernel: 2, stride: 2 } }, { reshape: [4, 4] }] }
  painter: { layers: [{ reshape: [2, 2, 4] }, { transposed_conv2d: { filters: 1, kernel: 2, stride: 2 } }] }
model:
  layers:
    - { use: encoder, from: image, as: scores }
    - { gumbel_softmax: { temperature: { from: 1, to: 0.3, steps: 100 }, hard: true }, as: choice }
    - { use: painter, as: reconstruction }
    - { codes: {}, from: scores, as: picture }
    - one_hot
    - { use: painter, as: drawn }
    - { embedding: 16, from: caption, as: letters }
    - previous: picture
    - { embedding: 16, as: painted }
    - concat: { inputs: [letters, painted], axis: 1 }
    - { positions: learned, as: placed }
    - { block: { name: transformer_causal, with: { heads: 2, dropout: 0 } }, as: seen }
    - crop1d: [3, 0]
    - { logits: picture, as: next }
train:
  batch: 12
  epochs: 24
  optimizer: { adam: 0.02 }
  phases:
    - { name: eye, update: [encoder, painter], last_epoch: 12, losses: [{ binary_cross_entropy: { output: reconstruction, target: image } }] }
    - { name: hand, update: [letters, painted, placed, seen, next], first_epoch: 13, losses: [{ cross_entropy: { output: next, target: picture } }] }
generate: { decoder: next, output: painter, method: sample }
`;

beforeAll(async () => {
  write(folder, "images.idx", idx([count, 4, 4], pixels));
  write(folder, "labels.idx", idx([count], labels));
  write(folder, "halves.yaml", spec);
  const { code, stderr } = await dlc(["train", "halves.yaml"], here);
  expect(code, stderr).toBe(0);
}, 120_000);

/** Width and height, from the header of a PNG file. */
const sizeOf = (png: Buffer): readonly number[] => [png.readUInt32BE(16), png.readUInt32BE(20)];

describe("a model that draws captions", () => {
  it("ends training with a row of pictures for each caption", () => {
    const sheet = readFileSync(join(folder, "runs/halves/generated.png"));
    // Images are enlarged to 56 pixels, with 2 pixels around each.
    expect(sizeOf(sheet)).toEqual([8 * 58 + 2, 2 * 58 + 2]);
  });

  it("draws what is asked for", async () => {
    for (const [caption, isBright] of [
      ["the upper half", (i: number) => i < 8],
      ["left", (i: number) => i % 4 < 2],
    ] as const) {
      const args = ["generate", "runs/halves", "--given", `caption=${caption}`, "--count", "10"];
      const { code, stdout, stderr } = await dlc([...args, "--json"], here);
      expect(code, stderr).toBe(0);
      const drawn = documents(stdout) as { value: { data: number[] } }[];
      expect(drawn).toHaveLength(10);
      const right = drawn.filter(({ value: { data } }) =>
        data.every((v, i) => (isBright(i) ? v > 127 : v < 127)),
      );
      expect(right.length, caption).toBeGreaterThanOrEqual(9);
    }
  });

  it("refuses an empty caption", async () => {
    const { code, stderr } = await dlc(["generate", "runs/halves", "--given", "caption="], here);
    expect(code).not.toBe(0);
    expect(stderr).toContain("empty-text");
  });
});
