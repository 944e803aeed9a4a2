/** @file Examples made of codes that a decoder says, by the onnx engine. */
import { random } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { refusal, trainedPackages } from "../../support/trained-packages.js";

const { workspace, trained } = trainedPackages();

describe("codes", () => {
  it("are said and rendered: all of them, by the onnx engine", async () => {
    const pixels = Array.from({ length: 300 }, (_, i) => {
      const colour = i % 2 === 0 ? 1 : -1;
      const noise = [0, 1, 2, 3].map((j) => (random.uniform(4 * i + j, 9) - 0.5) / 4);
      return [colour === 1 ? "light" : "dark", ...noise.map((value) => colour + value)].join(",");
    });
    workspace.write("pictures.csv", `wish,a,b,c,d\n${pixels.join("\n")}\n`);
    const painter = await trained(`
dlc: 1
name: painter
data:
  source: { csv: pictures.csv }
  split: { validation: 0.1 }
  features:
    wish: { type: category, classes: [dark, light], encode: index }
    picture: { type: vector, columns: [a, b, c, d] }
  targets: {}
networks:
  paint: { layers: [flatten, dense: 4] }
model:
  layers:
    - { reshape: [2, 2], from: picture }
    - { dense: 3 }
    - { codes: {}, as: pieces }
    - { one_hot: {}, as: chosen }
    - { use: paint, from: chosen, as: painted }
    - { embedding: 6, from: wish }
    - { flatten: {}, as: asked }
    - { previous: pieces }
    - { embedding: 6, as: earlier }
    - { gru: { units: 6, return: sequence }, from: { input: earlier, state: asked } }
    - { logits: pieces, as: scores }
train:
  freeze: [dense_1]
  losses:
    - mse: { output: painted, target: picture }
    - cross_entropy: { output: scores, target: pieces }
  optimizer: { adam: 0.02 }
  batch: 20
  epochs: 40
generate: { decoder: scores, output: paint, method: sample }
`);
    const pictures = async (options: object): Promise<number[][]> => {
      const made = (await painter.generate(options as never)) as unknown as {
        readonly value: { readonly shape: readonly number[]; readonly data: Float32Array };
      }[];
      expect(made.every(({ value }) => `${value.shape}` === "4")).toBe(true);
      return made.map(({ value }) => Array.from(value.data));
    };
    const light = await pictures({ given: { wish: "light" }, count: 20 });
    const dark = await pictures({ given: { wish: "dark" }, count: 20 });
    const mean = (rows: readonly number[][]): number =>
      rows.flat().reduce((sum, value) => sum + value) / rows.flat().length;
    // Light pictures are around 1, dark ones around -1.
    expect(mean(light)).toBeGreaterThan(0.4);
    expect(mean(dark)).toBeLessThan(-0.4);
    expect(await pictures({ given: [{ wish: "light" }, { wish: "light" }] })).toEqual(
      light.slice(0, 2),
    );
    const of = { given: { wish: "dark" } };
    expect(await refusal(painter.generate({ ...of, maxLength: 1 } as never))).toMatch(
      /^invalid-setting/,
    );
    expect(await refusal(painter.generate({ ...of, prompt: "x" } as never))).toMatch(
      /^invalid-setting/,
    );
  }, 60_000);
});
