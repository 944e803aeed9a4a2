/** @file Specs beside their data, compiled, emitted, loaded and trained: the whole way to a model. */
import { join } from "node:path";
import { DlcError, type Model, type ModelDefinition } from "@dlc/runtime";
import { afterAll, expect } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { renderText } from "../../compiler/diagnostics/render.js";
import { compile } from "../../compiler/pipeline.js";
import { createWorkspace, type Workspace } from "./emitted.js";

export interface Text {
  readonly text: string;
  readonly score: number;
  readonly candidates?: readonly Text[];
}

/** A model that makes texts, whatever its inputs are. */
export type TextModel = Model<{
  readonly input: Readonly<Record<string, unknown>>;
  readonly target: object;
  readonly output: Text;
  readonly metrics: Readonly<Record<string, number>>;
  readonly generated: Text;
}>;

export interface TextPackage {
  readonly definition: ModelDefinition;
  readonly load: () => Promise<TextModel>;
}

export interface TrainedPackages {
  readonly workspace: Workspace;
  /** Compiles a spec, which must be free of errors and warnings, and loads its package. */
  packageOf(spec: string): Promise<TextPackage>;
  /** The same, trained as the spec says. */
  trained(spec: string): Promise<TextModel>;
}

/** All is removed after the tests of the file. */
export function trainedPackages(): TrainedPackages {
  const cleanUp: (() => unknown)[] = [];
  afterAll(async () => {
    for (const step of cleanUp.reverse()) await step();
  });
  const workspace = createWorkspace((remove) => cleanUp.push(remove));

  async function packageOf(spec: string): Promise<TextPackage> {
    workspace.write("spec.yaml", spec);
    const file = join(workspace.folder, "spec.yaml");
    const { model, diagnostics, sources } = await compile(file);
    if (model === null || diagnostics.all.length > 0) {
      throw new Error(renderText(diagnostics.all, sources));
    }
    workspace.add(await emitPackage(model, { outDir: join(workspace.folder, "generated") }));
    const loaded = await workspace.load(`generated/${model.spec.name}/index.js`);
    return loaded as unknown as TextPackage;
  }

  async function trained(spec: string): Promise<TextModel> {
    const { load, definition } = await packageOf(spec);
    const model = await load();
    cleanUp.push(() => model.dispose());
    await model.train({ run: join(workspace.folder, `run-${definition.name}`) });
    return model;
  }
  return { workspace, packageOf, trained };
}

/** Code and message of the mistake that a call is refused with; it must have a place. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DlcError)) throw error ?? new Error("nothing was refused");
  expect(error.place).not.toBeNull();
  return `${error.code}: ${error.message}`;
}
