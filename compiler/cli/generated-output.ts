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
  type SheetOptions,
} from "@dlc/runtime";
import type { AnyModel } from "./generated.js";

type Defined = Pick<AnyModel, "definition">;
interface Drawn {
  readonly value: SheetImage;
}

/** Does the model generate images of 1 or 3 channels? */
export const generatesImages = ({ definition }: Defined): boolean =>
  definition.generate?.head.kind === "value" && isDrawable(definition.generate.head.shape);

/** Does it generate texts? */
export const generatesText = ({ definition }: Defined): boolean =>
  typeof definition.generate?.sequence?.text === "string";

/** Writes generated images as one PNG contact sheet. */
export async function writeSheet(
  file: string,
  examples: readonly unknown[],
  options: SheetOptions = {},
): Promise<void> {
  const images = (examples as readonly Drawn[]).map(({ value }) => value);
  await writeFile(file, await contactSheet(images, options));
}

/** Generated pictures after training: so many, or a row for each of the things that can be asked for. */
const several = 64;
const mostRows = 32;

/** What can be asked for, row by row; null where it cannot be listed (numbers, texts, several features). */
function conditions({ definition }: Defined): readonly Readonly<Record<string, string>>[] | null {
  const { data, facts, generate } = definition;
  const [name, ...others] = generate?.given ?? [];
  if (name === undefined || others.length > 0) return null;
  const feature = data?.features[name] ?? data?.targets[name];
  let values: readonly string[] = [];
  if (feature?.type === "category") values = feature.classes ?? facts[name]?.classes ?? [];
  if (feature?.type === "text") values = [...new Set(Object.values(feature.words ?? {}))];
  if (values.length === 0 || values.length > mostRows) return null;
  return values.flatMap((value) => Array.from({ length: columns }, () => ({ [name]: value })));
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
 * Pictures of a trained model, into its run folder: what it generates (a row for each class or caption
 * that can be asked for), and reconstructions of test images. `base`: the spec's folder. Returns the files written.
 */
export async function writePictures(
  model: AnyModel,
  folder: string,
  base: string,
): Promise<readonly string[]> {
  const files: string[] = [];
  const given = conditions(model);
  if (generatesImages(model) && (model.definition.generate?.given.length === 0 || given !== null)) {
    const file = join(folder, "generated.png");
    files.push(file);
    // Whatever the spec says of searches: one that finds the best makes the same picture every time.
    const method = model.definition.generate?.sequence && ({ method: "sample" } as const);
    const wanted = given === null ? { count: several } : { given };
    const sheet = given === null ? {} : { columns };
    await writeSheet(file, await model.generate({ ...wanted, ...method }), sheet);
  }
  const sheet = await reconstructions(model, base);
  if (sheet !== null) {
    files.push(join(folder, "reconstructed.png"));
    await writeFile(join(folder, "reconstructed.png"), sheet);
  }
  return files;
}
