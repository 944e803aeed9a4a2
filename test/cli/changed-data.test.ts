/** @file A run and data that changed under it: refused with the reason, and what was trained stays usable. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { dlc, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

const specOf = (name: string, feature: string, layers: string): string => `dlc: 1
name: ${name}
data:
  source: { csv: ${name}.csv }
  features: { ${feature} }
  targets: { mood: category }
  split: { validation: 0.2 }
model:
  layers: [${layers}, { dense: 2 }]
train: { loss: cross_entropy, optimizer: { adam: 0.05 }, batch: 16, epochs: 2 }
`;

const words = (count = 60): string[] =>
  Array.from({ length: count }, (_, i) =>
    i % 2 === 0 ? `the plot ${i % 3 === 0 ? "was" : "is"} awful,sad` : "a lovely day,glad",
  );
const beats = (count = 60): string[] =>
  Array.from(
    { length: count },
    (_, i) => `${i % 2} ${i % 3} ${(i % 2) * 2},${i % 2 ? "up" : "down"}`,
  );

const write_ = (name: string, column: string, rows: readonly string[]): void => {
  write(folder, `${name}.csv`, `${column},mood\n${rows.join("\n")}\n`);
};

/** Every file of a run's package, with its content. */
const packageOf = (name: string): ReadonlyMap<string, string> => {
  const root = join(folder, "runs", name, "package");
  const files = readdirSync(root, { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((file) => file.isFile())
      .map((file) => [
        join(file.parentPath, file.name),
        readFileSync(join(file.parentPath, file.name), "utf8"),
      ]),
  );
};

const questions = {
  words: '{"review": "the plot was awful"}\n{"review": "a lovely day"}\n',
  beats: '{"beats": [0, 1, 0]}\n{"beats": [1, 2, 2]}\n',
};
const predict = async (name: keyof typeof questions): Promise<string> => {
  const { code, stdout, stderr } = await dlc(["predict", `runs/${name}`], {
    ...here,
    input: questions[name],
  });
  expect(code, stderr).toBe(0);
  return stdout;
};

const answers = new Map<string, string>();
beforeAll(async () => {
  write_("words", "review", words());
  write_("beats", "beats", beats());
  const text = "review: { type: text, tokens: word, max_length: 8 }";
  write(folder, "words.yaml", specOf("words", text, "{ embedding: 8 }, { lstm: 8 }"));
  write(folder, "beats.yaml", specOf("beats", "beats: { type: sequence }", "{ gru: 8 }"));
  for (const name of ["words", "beats"] as const) {
    const { code, stderr } = await dlc(["train", `${name}.yaml`], here);
    expect(code, stderr).toBe(0);
    answers.set(name, await predict(name));
  }
}, 120_000);

describe("a run is refused, and its package and predictions stay, after", () => {
  it.each([
    [
      "words of a text were renamed",
      "words",
      words().map((row) => row.replace("plot", "film")),
      `of 'review' was "plot", now it is "film"`,
    ],
    ["a row was added to a text", "words", words(61), "the data had 48 training"],
    [
      "classes beside sequences were renamed",
      "beats",
      beats().map((row) => row.replace("up", "upward")),
      `of 'mood' was "up", now it is "upward"`,
    ],
    ["a row was added to sequences", "beats", beats(61), "the data had 48 training"],
  ] as const)("%s", async (_, name, rows, reason) => {
    const [column, old] = name === "words" ? ["review", words()] : ["beats", beats()];
    const before = packageOf(name);
    expect(before.size).toBeGreaterThan(3);
    write_(name, column, rows);
    const { code, stderr } = await dlc(["train", `${name}.yaml`], here);
    expect(code).toBe(1);
    expect(stderr).toContain("error different-run");
    expect(stderr).toContain(reason);
    expect(packageOf(name)).toEqual(before);
    expect(await predict(name)).toBe(answers.get(name));
    write_(name, column, old);
  });
});

describe("a run that starts from a text model", () => {
  const started = (name: string, init: string): string => {
    const text = "review: { type: text, tokens: word, max_length: 8 }";
    const spec = specOf(name, text, "{ embedding: 8 }, { lstm: 8 }");
    return write(folder, `${name}.yaml`, `${spec}init: ${init}\n`);
  };

  it.each([
    ["renamed", words().map((row) => row.replace("plot", "film"))],
    ["longer", [...words(), "the very best,glad", "the very best,glad"]],
  ])("is refused where tokens are other ones: %s", async (name, rows) => {
    write_(name, "review", rows);
    started(name, "runs/words");
    const { code, stderr } = await dlc(["build", `${name}.yaml`], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error init-vocabulary: runs\/words was trained with other tokens of 'review' than embedding_1 here: token \d+ was "/,
    );
    started(name, '{ from: runs/words, map: { "embedding_1": null }, missing: keep }');
    const kept = await dlc(["train", `${name}.yaml`], here);
    expect(kept.code, kept.stderr).toBe(0);
    expect(kept.stderr).toContain("starting from runs/words: 5 tensors");
  });

  it("knows the vocabulary under another name of the text, too", async () => {
    const validated = async (rows: readonly string[]): Promise<string> => {
      write_("called", "review", rows);
      const text = "critique: { column: review, type: text, tokens: word, max_length: 8 }";
      const spec = specOf("called", text, "{ embedding: 8 }, { lstm: 8 }");
      write(folder, "called.yaml", `${spec}init: runs/words\n`);
      const { stdout, stderr } = await dlc(["validate", "called.yaml"], here);
      return `${stdout}${stderr}`;
    };
    expect(await validated(words())).toBe("called.yaml: ok\n");
    const other = words().map((row) => row.replace("plot", "film"));
    expect(await validated(other)).toContain("error init-vocabulary");
  });

  it("takes all weights where they are the same", async () => {
    write_("same", "review", words());
    started("same", "runs/words");
    const { code, stderr } = await dlc(["train", "same.yaml"], here);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("starting from runs/words: 6 tensors");
  });
});

it("a parameter has one value", async () => {
  const { code, stderr } = await dlc(["train", "words.yaml", "--set", "a=1", "--set", "a=2"], here);
  expect(code).toBe(2);
  expect(stderr).toContain("--set gives 'a' more than once");
});
