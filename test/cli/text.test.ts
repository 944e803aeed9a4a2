/** @file Models of text and of sequences on the command line: trained from tables, asked in every way. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { dlc, documents, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

const rows = Array.from({ length: 80 }, (_, i) => {
  const words = ["the", "plot", "was", "long"].slice(0, 1 + (i % 4)).join(" ");
  const beats = Array.from({ length: 1 + (i % 3) }, (_, k) => (i % 2) * 2 + k / 10).join(" ");
  return `"${words}, ${i % 2 === 0 ? "awful" : "lovely"}!",${beats},${i % 2 === 0 ? "sad" : "glad"}`;
});

const specOf = (name: string, feature: string, layers: string): string => `dlc: 1
name: ${name}
data:
  source: { csv: films.csv }
  features: { ${feature} }
  targets: { mood: category }
model:
  layers: [${layers}, { dense: 2 }]
train:
  loss: cross_entropy
  optimizer: { adam: 0.05 }
  batch: 16
  epochs: 4
`;

beforeAll(async () => {
  write(folder, "films.csv", `review,beats,mood\n${rows.join("\n")}\n`);
  const text = "review: { type: text, tokens: word, max_length: 8, lowercase: true }";
  write(folder, "words.yaml", specOf("words", text, "{ embedding: 8 }, { lstm: 8 }"));
  write(folder, "beats.yaml", specOf("beats", "beats: { type: sequence }", "{ gru: 8 }"));
  for (const name of ["words", "beats"]) {
    const { code, stderr } = await dlc(["train", `${name}.yaml`], here);
    expect(code, stderr).toBe(0);
  }
});

const labels = (stdout: string): unknown[] => documents(stdout).map(({ label }) => label);

describe("a model of text", () => {
  it("takes tables, JSON documents and lines of stdin", async () => {
    write(folder, "new.csv", 'id,review\n1,"A LOVELY day"\n2,awful\n');
    const table = await dlc(["predict", "words.yaml", "new.csv"], here);
    expect(labels(table.stdout)).toEqual(["glad", "sad"]);
    const lines = '{"review": "lovely"}\n{"review": "so awful, awful 😀"}\n';
    const piped = await dlc(["predict", "words.yaml"], { ...here, input: lines });
    expect(labels(piped.stdout)).toEqual(["glad", "sad"]);
    write(folder, "new.json", '[{"review": "lovely"}]');
    expect(labels((await dlc(["predict", "words.yaml", "new.json"], here)).stdout)).toEqual([
      "glad",
    ]);
  });

  it.each([
    ['{"review": ""}', "empty-text", "this text of 'review' is empty"],
    ['{"review": " "}', "empty-text", "has no token"],
    ['{"review": 7}', "wrong-column-type", "needs a text, not a single number"],
    [`{"review": "${"a ".repeat(9)}"}`, "example-too-long", "9 tokens, but max_length is 8"],
  ])("refuses %s", async (input, code, message) => {
    const outcome = await dlc(["predict", "words.yaml"], { ...here, input });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(`error ${code}: stdin`);
    expect(outcome.stderr).toContain(message);
  });

  it("has strings in the types of its package, and its vocabulary in it", async () => {
    await dlc(["build", "words.yaml"], here);
    const file = (name: string): string =>
      readFileSync(join(folder, "generated/words", name), "utf8");
    expect(file("index.ts")).toContain('readonly "review": string;');
    expect(file("spec.ts")).toContain('"lovely"');
  });

  it("says how long it is where the spec does not", async () => {
    const free = specOf("free", "review: { type: text }", "{ embedding: 4 }, { lstm: 4 }");
    write(folder, "free.yaml", free);
    const { stdout } = await dlc(["build", "free.yaml", "--json"], here);
    expect(stdout).not.toBe("");
    const source = readFileSync(join(folder, "generated/free/spec.ts"), "utf8");
    expect(source).toMatch(/"?length"?: 7\b/);
  });
});

describe("a model of sequences", () => {
  it("takes lists and text", async () => {
    write(folder, "new-beats.csv", "beats\n2 2.1\n0\n");
    const table = await dlc(["predict", "beats.yaml", "new-beats.csv"], here);
    expect(labels(table.stdout)).toEqual(["glad", "sad"]);
    const input = '{"beats": [2, 2.1, 2.2]}\n{"beats": [[0], [0.1]]}\n';
    const piped = await dlc(["predict", "beats.yaml"], { ...here, input });
    expect(labels(piped.stdout)).toEqual(["glad", "sad"]);
  });

  it("refuses more steps than it was built for", async () => {
    const input = '{"beats": [1, 2, 3, 4]}';
    const { code, stderr } = await dlc(["predict", "beats.yaml"], { ...here, input });
    expect(code).toBe(1);
    expect(stderr).toContain("4 steps, but max_length is 3");
  });
});
