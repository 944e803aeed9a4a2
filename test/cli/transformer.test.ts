/** @file A transformer made of a shipped block, from a table of words to predictions, as a user does it. */
import { random } from "@dlc/runtime";
import { expect, it } from "vitest";
import { dlc, documents, workFolder, write } from "../support/cli.js";

/** Words with one `a` and one `b`: which of them comes first? Nothing but the order tells. */
function table(rows: number): string {
  const key = random.keyOf("words");
  let drawn = 0;
  const below = (count: number): number => Math.floor(random.uniform(drawn++, key) * count);
  const lines = Array.from({ length: rows }, () => {
    const letters = Array.from({ length: 4 + below(6) }, () => "cdef"[below(4)] as string);
    const a = below(letters.length);
    const b = (a + 1 + below(letters.length - 1)) % letters.length;
    letters[a] = "a";
    letters[b] = "b";
    return `${letters.join("")},${a < b ? "ab" : "ba"}`;
  });
  return `word,order\n${lines.join("\n")}\n`;
}

const spec = `dlc: 1
name: order
data:
  source: { csv: words.csv }
  split: { validation: 100 }
  features: { word: { type: text, tokens: char, max_length: 9 } }
  targets: { order: { type: category, classes: [ab, ba] } }
model:
  layers:
    - embedding: 16
    - positions: learned
    - repeat: { block: transformer_encoder, times: 2, with: { heads: 4, hidden: 32, dropout: 0 } }
    - layer_norm
    - global_avg_pool1d
    - dense: 2
train:
  loss: cross_entropy
  learning_rate: 0.005
  epochs: 10
  metrics: [accuracy]
`;

it("learns the order of letters in words of any length", async () => {
  const folder = workFolder();
  write(folder, "words.csv", table(600));
  write(folder, "spec.yaml", spec);
  const here = { cwd: folder };
  const { stdout: layers } = await dlc(["inspect", "spec.yaml"], here);
  expect(layers).toMatch(/^transformer_encoder_2\/pre_1\/self_attention +attention /m);
  const { code, stderr } = await dlc(["train", "spec.yaml", "--json"], here);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const words = ["acccb", "bca", "ccccccabc", "ba"];
  write(folder, "new.csv", `word\n${words.join("\n")}\n`);
  const predicted = await dlc(["predict", "runs/order", "new.csv"], here);
  const labels = documents(predicted.stdout).map(({ label }) => label);
  expect(labels).toEqual(["ab", "ba", "ab", "ba"]);
});
