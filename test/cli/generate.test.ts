/** @file `dlc generate` and `dlc predict` of models that make texts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { dlc, documents, engineLine, workFolder, write } from "../support/cli.js";

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
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(engineLine) });
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

  it("answers each of several values, and goes on from each of several prompts", async () => {
    const given = ["--given", "word=abb", "--given", "word=ab"];
    const answers = await dlc(["generate", "answers.yaml", ...given], here);
    expect(answers.stdout).toBe("bba\nba\n");
    const prompts = ["--prompt", "a", "--prompt", "bb", "--method", "greedy"];
    const spoken = await dlc(["generate", "runs/speaks", ...prompts], here);
    expect(lines(spoken.stdout)).toEqual([
      expect.stringMatching(/^a/),
      expect.stringMatching(/^bb/),
    ]);
    const both = ["--prompt", "b", "--prompt", "b", "--method", "greedy"];
    const forced = await dlc(["generate", "answers.yaml", ...given, ...both], here);
    expect(forced.stdout).toBe("bba\nba\n");
  });

  it("takes any number for the temperature, however it is written", async () => {
    const args = ["generate", "runs/speaks", "--seed", "5", "--temperature"];
    const cold = await dlc([...args, "1e-9"], here);
    const greedy = await dlc(["generate", "runs/speaks", "--method", "greedy"], here);
    expect(cold.stdout).toBe(greedy.stdout);
    expect((await dlc([...args, ".5"], here)).code).toBe(0);
  });

  it("prints texts with line breaks as JSON strings where there are several", async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `"${i % 2 ? "a" : "b"}\nc"`).join("\n");
    write(folder, "verses.csv", `back\n${rows}\n`);
    const verses = readFileSync(join(folder, "speaks.yaml"), "utf8")
      .replace("name: speaks", "name: verses")
      .replace("words.csv", "verses.csv");
    write(folder, "verses.yaml", verses);
    expect((await dlc(["train", "verses.yaml"], here)).code).toBe(0);
    const args = ["generate", "runs/verses", "--method", "greedy", "--prompt", "a"];
    expect((await dlc(args, here)).stdout).toBe("a\nc\n");
    const two = await dlc([...args, "--prompt", "b"], here);
    expect(two.stdout).toBe('"a\\nc"\n"b\\nc"\n');
  }, 60_000);

  it.each([
    [["runs/speaks", "--prompt", ""], "empty-prompt", ""],
    [["runs/speaks", "--prompt", "xyz"], "unknown-in-prompt", ""],
    [["runs/speaks", "--prompt", "abababab"], "prompt-too-long", ""],
    [["runs/speaks", "--beams", "3"], "invalid-setting", "--beams has no effect with --method"],
    [["runs/speaks", "--beams", "0"], "bad-command-line", ""],
    [["runs/speaks", "--max-length", "100"], "invalid-setting", "--max-length is 100"],
    [["runs/speaks", "--temperature", "0"], "invalid-setting", "--temperature is 0"],
    [["runs/speaks", "--top-p", "2"], "invalid-setting", "--top-p is 2, not above 0"],
    [["runs/speaks", "--given", "word=ab"], "invalid-setting", ""],
    [["runs/speaks", "--out", "x.png"], "unknown-picture", ""],
    [["runs/speaks", "--temperature", "hot"], "bad-command-line", ""],
    [["runs/speaks", "--count", "1", "--count", "2"], "bad-command-line", "more than once"],
    [["runs/speaks", "--method", "beam", "--method", "beam"], "bad-command-line", "more than once"],
    [["runs/answers"], "input-missing", ""],
    [["runs/answers", "--given", "word=ab", "--count", "3"], "invalid-setting", "--count is 3"],
    [["runs/answers", "--given", "back=ab"], "unknown-input", "Can be given: word."],
    [
      ["runs/answers", ..."ab".split("").flatMap((word) => ["--given", `word=${word}`])].concat(
        ..."aba".split("").map((prompt) => ["--prompt", prompt]),
      ),
      "bad-command-line",
      "lists 2 examples, but there are 3 prompts",
    ],
  ])("refuses %j with %s as a mistake of the command line", async (args, problem, words) => {
    const { code, stdout, stderr } = await dlc(["generate", ...args], here);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^error ${problem}: `, "m"));
    expect(stderr).toContain(words);
  });
});

describe("predict", () => {
  it("gives the text for every row of a table", async () => {
    write(folder, "new.csv", "word\nab\nbab\naab\n");
    const { code, stdout, stderr } = await dlc(["predict", "runs/answers", "new.csv"], here);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(engineLine) });
    const texts = documents(stdout) as { text: string }[];
    expect(texts.map(({ text }) => text)).toEqual(["ba", "bab", "baa"]);
  });

  it("of a language model scores a step for each token of the text, and its end", async () => {
    const input = '{"back": "bba"}\n{"back": "ab"}\n{"back": "b"}\n';
    const { code, stdout } = await dlc(["predict", "runs/speaks"], { ...here, input });
    expect(code).toBe(0);
    const found = documents(stdout) as { tokens: string[]; probabilities: number[] }[];
    expect(found.map(({ tokens }) => tokens.length)).toEqual([4, 3, 2]);
    expect(found.map(({ probabilities }) => probabilities.length)).toEqual([4, 3, 2]);
    // All words begin alike for the model: nothing was said before.
    const [[first], [second]] = found.map(({ probabilities }) => probabilities) as [
      [number],
      [number],
    ];
    expect(first).toBeCloseTo(second, 6);
    // After three letters nothing but the end was ever seen.
    expect(found[0]?.tokens[3]).toBe("<end>");
  });

  it("names the line of a table at fault, and says when there was nothing to do", async () => {
    write(folder, "long.csv", "word\nab\nabba\n");
    const { code, stderr } = await dlc(["predict", "runs/answers", "long.csv"], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error example-too-long: long\.csv:3: /m);
    const nothing = await dlc(["predict", "runs/answers"], { ...here, input: "" });
    expect(nothing).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/^engine: .*\nstdin has no examples\n$/),
    });
  });
});
