/** @file Pictures of what a model makes: generated images, and reconstructions beside their originals. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  batchSource,
  contactSheet,
  type HeadSpec,
  isDrawable,
  openData,
  type SheetImage,
} from "@dlc/runtime";
import type { AnyModel } from "./generated.js";

type Defined = Pick<AnyModel, "definition">;
interface Drawn {
  readonly value: SheetImage;
}

/** Does the model generate images of 1 or 3 channels? */
export const generatesImages = ({ definition }: Defined): boolean =>
  definition.generate?.head.kind === "value" && isDrawable(definition.generate.head.shape);

/** Writes generated images as one PNG contact sheet. */
export async function writeSheet(file: string, examples: readonly unknown[]): Promise<void> {
  const images = (examples as readonly Drawn[]).map(({ value }) => value);
  await writeFile(file, await contactSheet(images));
}

/** The head that gives an image back, where the model reads nothing but that image. */
function reconstruction({ definition }: Defined): HeadSpec | null {
  const { heads, data, programs } = definition;
  const [input, ...others] = Object.keys(programs.infer.inputs);
  if (input === undefined || others.length > 0) return null;
  if (data?.features[input]?.type !== "image") return null;
  const found = heads.find(
    ({ kind, target, shape }) => kind === "value" && target === input && isDrawable(shape),
  );
  return found ?? null;
}

/** Examples on a sheet of reconstructions, and in a row of it. */
const shown = 32;
const columns = 8;

/** Rows of test images, each above its reconstructions; null where the model gives no image back. */
async function reconstructions(model: AnyModel, base: string): Promise<Uint8Array | null> {
  const head = reconstruction(model);
  const { data, facts, heads } = model.definition;
  if (head?.target == null || data === null) return null;
  const name = head.target;
  const dataset = await openData(data, facts, { base, splits: ["test"] });
  try {
    const source = batchSource(dataset, "test");
    if (source === null || source.size === 0) return null;
    for await (const { inputs, rows } of source.batches({
      ...{ batch: shown, epoch: 0, from: 0, shuffle: null },
    })) {
      const { shape } = head;
      const size = shape.reduce((product, dim) => product * dim, 1);
      const all = inputs[name]?.data ?? new Uint8Array();
      const originals = Array.from(rows, (_, i): SheetImage => {
        return { shape, data: all.slice(i * size, (i + 1) * size) };
      });
      const outputs = await model.predict(originals.map((image) => ({ [name]: image })));
      const made = (outputs as readonly (Drawn & Record<string, Drawn>)[]).map(
        (output) => (heads.length === 1 ? output : (output[head.name] as Drawn)).value,
      );
      const lines = Array.from({ length: Math.ceil(rows.length / columns) }, (_, row) => {
        const cut = (images: readonly SheetImage[]): readonly SheetImage[] =>
          images.slice(row * columns, (row + 1) * columns);
        return [...cut(originals), ...cut(made)];
      });
      return contactSheet(lines.flat(), { columns });
    }
    return null;
  } finally {
    await dataset.close();
  }
}

/**
 * Pictures of a trained model, into its run folder: what it generates, and reconstructions of test
 * images. `base`: the spec's folder. Returns the files written.
 */
export async function writePictures(
  model: AnyModel,
  folder: string,
  base: string,
): Promise<readonly string[]> {
  const files: string[] = [];
  if (generatesImages(model) && model.definition.generate?.given.length === 0) {
    files.push(join(folder, "generated.png"));
    await writeSheet(join(folder, "generated.png"), await model.generate({ count: 64 }));
  }
  const sheet = await reconstructions(model, base);
  if (sheet !== null) {
    files.push(join(folder, "reconstructed.png"));
    await writeFile(join(folder, "reconstructed.png"), sheet);
  }
  return files;
}
