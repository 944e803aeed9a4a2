/** @file Texts from a CSV file to a trained model: a language model, and an encoder with a decoder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dlc, documents, workFolder, write } from "../support/cli.js";

const folder = workFolder();

interface Epoch {
  readonly train: Readonly<Record<string, number>>;
  readonly validation: Readonly<Record<string, number>>;
}

/** Trains a spec and gives its epochs. */
async function trained(name: string): Promise<readonly Epoch[]> {
  const { code, stderr } = await dlc(["train", `${name}.yaml`], { cwd: folder });
  expect([code, stderr]).toEqual([0, expect.stringContaining("finished")]);
  const log = readFileSync(join(folder, "runs", name, "metrics.ndjson"), "utf8");
  return documents(log) as unknown as Epoch[];
}

/** All texts of up to four letters from "abc", in some order. */
const words = Array.from({ length: 60 }, (_, i) =>
  Array.from({ length: 1 + (i % 4) }, (__, at) => "abc"[(i * 7 + at * (i % 5) + at) % 3]).join(""),
);

describe("a language model", () => {
  it("learns from a CSV file, and its loss is that of all tokens however batches fall", async () => {
    const verses = words.map((word) => `${word}${word}${word}`);
    write(folder, "verses.csv", `verse\n${verses.join("\n")}\n`);
    write(
      folder,
      "verse.yaml",
      `dlc: 1
name: verse
data:
  source: { csv: verses.csv }
  features: { verse: { type: text, tokens: char, max_length: 12, end: true } }
  split: { validation: 21 }
model:
  layers:
    - previous: verse
    - embedding: 6
    - lstm: { units: 12, return: sequence }
    - logits: verse
train:
  loss: { cross_entropy: { target: verse } }
  learning_rate: 0.02
  batch: 4
  epochs: 4
  metrics: [perplexity, accuracy, exact_match]
`,
    );
    const epochs = await trained("verse");
    const losses = epochs.map(({ train }) => train.loss as number);
    expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] as number));
    // 21 rows in batches of 16: one is shorter, and no two have as many tokens.
    for (const { train, validation } of epochs) {
      for (const { loss, perplexity, accuracy } of [train, validation]) {
        expect(Math.log(perplexity as number)).toBeCloseTo(loss as number, 4);
        expect(accuracy).toBeGreaterThan(0);
      }
    }
  });
});

describe("an encoder and a decoder", () => {
  it("learn to say words backwards", async () => {
    const pairs = words.map((word) => `${word},${[...word].reverse().join("")}`);
    write(folder, "pairs.csv", `word,back\n${pairs.join("\n")}\n`);
    write(
      folder,
      "back.yaml",
      `dlc: 1
name: back
data:
  source: { csv: pairs.csv }
  features: { word: { type: text, tokens: char, max_length: 4 } }
  targets: { back: { type: text, tokens: char, max_length: 4 } }
  split: { validation: 20 }
model:
  layers:
    - { embedding: 6, from: word }
    - { gru: { units: 8, bidirectional: true }, as: encoder }
    - previous: back
    - embedding: 6
    - { gru: { units: 16, return: sequence, state: encoder } }
    - logits: back
train:
  loss: cross_entropy
  learning_rate: 0.02
  batch: 8
  epochs: 5
`,
    );
    const epochs = await trained("back");
    const [first, last] = [epochs[0], epochs.at(-1)];
    expect(last?.train.loss).toBeLessThan(0.8 * (first?.train.loss as number));
    expect(last?.validation.accuracy).toBeGreaterThan(first?.validation.accuracy as number);
  });
});
