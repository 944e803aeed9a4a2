/** @file `dlc generate` and `dlc predict` of models that make texts. */
import { beforeAll, describe, expect, it } from "vitest";
import { dlc, documents, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

const pairs = ["ab", "ba", "aab", "abb", "bab", "bba"].flatMap((word) => Array(20).fill(word));
const csv = pairs
  .map((word: string) => `${word},${Array.from(word).reverse().join("")}\n`)
  .join("");

const spec = (name: string, columns: string, layers: string, generate: string): string => `dlc: 1
name: ${name}
data:
  source: { csv: words.csv }
  ${columns}
model:
  layers:
${layers}
train: { loss: { cross_entropy: { target: back } }, optimizer: { adam: 0.02 }, batch: 20, epochs: 25 }
${generate}
`;

beforeAll(async () => {
  write(folder, "words.csv", `word,back\n${csv}`);
  const answers = spec(
    "answers",
    "features: { word: { type: text, tokens: char, max_length: 3 } }\n  targets: { back: { type: text, tokens: char, max_length: 3 } }",
    `    - { embedding: 8, from: word }
    - { gru: { units: 16, return: state }, as: encoder }
    - previous: back
    - { embedding: 8, as: said }
    - { gru: { units: 16, return: sequence }, from: { input: said, state: encoder } }
    - logits: back`,
    "",
  );
  const speaks = spec(
    "speaks",
    "features: { back: { type: text, tokens: char, max_length: 3, end: true } }\n  targets: {}",
    `    - previous: back
    - embedding: 8
    - { gru: { units: 16, return: sequence } }
    - { logits: back, as: scores }`,
    "generate: { decoder: scores, method: sample }",
  );
  for (const [name, text] of Object.entries({ answers, speaks })) {
    write(folder, `${name}.yaml`, text);
    const { code, stderr } = await dlc(["train", `${name}.yaml`], here);
    expect(code, stderr).toBe(0);
  }
}, 120_000);

const lines = (stdout: string): string[] => stdout.trimEnd().split("\n");

describe("generate", () => {
  it("prints texts, one per line, the same for the same seed", async () => {
    const args = ["generate", "runs/speaks", "--count", "5", "--seed", "3"];
    const { code, stdout, stderr } = await dlc(args, here);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^([ab]{0,4}\n){5}$/);
    expect((await dlc(args, here)).stdout).toBe(stdout);
    const more = await dlc(["generate", "runs/speaks", "--count", "9", "--seed", "3"], here);
    expect(lines(more.stdout).slice(0, 5)).toEqual(lines(stdout));
  });

  it("goes on from a prompt, with the search that is asked for", async () => {
    const args = ["generate", "runs/speaks", "--prompt", "bb", "--method", "beam"];
    const { stdout } = await dlc([...args, "--beams", "3", "--candidates", "2"], here);
    expect(lines(stdout)).toHaveLength(2);
    expect(lines(stdout)[0]).toBe("bba");
    expect(lines(stdout)[1]).toMatch(/^bb/);
    const { stdout: json } = await dlc([...args, "--json"], here);
    expect(documents(json)).toMatchObject([{ text: "bba", score: expect.any(Number) }]);
  });

  it("answers what is given", async () => {
    const { code, stdout } = await dlc(["generate", "answers.yaml", "--given", "word=abb"], here);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "bba\n" });
  });

  it.each([
    [["runs/speaks", "--prompt", ""], "empty-prompt", 1],
    [["runs/speaks", "--prompt", "xyz"], "unknown-in-prompt", 1],
    [["runs/speaks", "--prompt", "abababab"], "prompt-too-long", 1],
    [["runs/speaks", "--beams", "3"], "invalid-setting", 1],
    [["runs/speaks", "--max-length", "100"], "invalid-setting", 1],
    [["runs/speaks", "--given", "word=ab"], "invalid-setting", 1],
    [["runs/speaks", "--out", "x.png"], "unknown-picture", 2],
    [["runs/speaks", "--temperature", "hot"], "bad-command-line", 2],
    [["runs/answers"], "input-missing", 1],
    [["runs/answers", "--given", "word=ab", "--count", "3"], "invalid-setting", 1],
  ])("refuses %j with %s", async (args, problem, expected) => {
    const { code, stdout, stderr } = await dlc(["generate", ...args], here);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^error ${problem}: `));
  });
});

describe("predict", () => {
  it("gives the text for every row of a table", async () => {
    write(folder, "new.csv", "word\nab\nbab\naab\n");
    const { code, stdout, stderr } = await dlc(["predict", "runs/answers", "new.csv"], here);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const texts = documents(stdout) as { text: string }[];
    expect(texts.map(({ text }) => text)).toEqual(["ba", "bab", "baa"]);
  });
});
