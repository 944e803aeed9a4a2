/** @file The load stage: from a spec file to the resolved specification, or to all its mistakes. */
import { resolve } from "node:path";
import { Diagnostics } from "../diagnostics/report.js";
import { SourceFiles } from "../diagnostics/source-files.js";
import { canonicalJson } from "./canonical.js";
import { checkShape, isMisspelt, type Owner } from "./check/check-shape.js";
import { checkOutputs } from "./check/outputs.js";
import { checkUnread } from "./check/unread.js";
import { reportWrongType } from "./check/wrong-type.js";
import { LoadContext } from "./context.js";
import { readData } from "./data/read-data.js";
import { withBase } from "./extends.js";
import { readGenerate } from "./model/generate.js";
import { readModel } from "./model/read-model.js";
import { defineParams, overrides, Scope, substitute } from "./params.js";
import { ownerOf, type ResolvedSpec, updateNameOf, withCells } from "./resolved-spec.js";
import { languageVersion, specShape } from "./schema/spec.js";
import { readInit } from "./train/init.js";
import { readTrain } from "./train/read-train.js";
import { parseYaml } from "./yaml/compose.js";
import { type ReadText, readSpecText } from "./yaml/read-text.js";
import type { YamlMap } from "./yaml/tree.js";

export interface LoadOptions {
  /** `--set key=value`: values for the spec's parameters. */
  readonly set?: Readonly<Record<string, string>>;
  /** Reads a file; default: from disk, regular files only. */
  readonly read?: ReadText;
}

export interface LoadResult {
  /** Null where there are errors. */
  readonly spec: ResolvedSpec | null;
  readonly diagnostics: Diagnostics;
  readonly sources: SourceFiles;
}

/** Loads a spec file. Never throws for what stands in the file, however hostile. */
export function loadSpec(file: string, options: LoadOptions = {}): LoadResult {
  const diagnostics = new Diagnostics();
  const sources = new SourceFiles();
  const context = new LoadContext(resolve(file), diagnostics, sources);
  const root = readRoot(file, context, options);
  const spec = root === null ? null : readSpec(root, context, options);
  return { spec: diagnostics.hasErrors ? null : spec, diagnostics, sources };
}

function readRoot(shown: string, context: LoadContext, { read }: LoadOptions): YamlMap | null {
  const { file, diagnostics } = context;
  const text = readSpecText({ path: file, shown, span: null, read }, context);
  const root = text === null ? null : parseYaml(text, file, diagnostics);
  if (root === null) return null;
  if (root.kind === "map") return withBase(root, context, read);
  reportWrongType(context, root, {
    what: "a spec",
    wanted: "a map",
    about: "A spec begins with 'dlc: 1'.",
  });
  return null;
}

function checkVersion(root: YamlMap, given: unknown, context: LoadContext): void {
  const version = root.entries.get("dlc")?.value;
  if (version === undefined || !Number.isInteger(given) || given === languageVersion) return;
  const versions = { version: given as number, known: languageVersion };
  context.diagnostics.report("language-version", version.span, versions);
}

function readSpec(root: YamlMap, context: LoadContext, options: LoadOptions): ResolvedSpec | null {
  const start = { file: context.file, start: root.span.start, end: root.span.start };
  const [first] = root.entries.values();
  const owner: Owner = { title: "the spec", span: first?.keySpan ?? start, path: "" };
  const { values, nodes } = checkShape(root, specShape, owner, context);

  checkVersion(root, values.dlc, context);
  const params = root.entries.get("params")?.value;
  const declared = params?.kind === "map" ? params : null;
  const isKnown = (section: string): boolean => !isMisspelt(section, specShape.fields, nodes);
  const scope = new Scope(null, isKnown("params"));
  context.blocksKnown = isKnown("blocks");
  context.modelKnown = isKnown("networks") && isKnown("model");
  defineParams(params, overrides(options.set ?? {}, declared, context), scope, "the spec", context);

  const dataEntry = root.entries.get("data");
  const data =
    dataEntry === undefined
      ? null
      : readData(substitute(dataEntry.value, scope, context), dataEntry.keySpan, context);
  context.featuresKnown = data?.isKnown ?? false;
  const before = context.diagnostics.all.length;
  const columns = data ?? { features: new Map(), targets: new Map() };
  const model = readModel(root, columns, scope, context);
  // What names parts of a model with mistakes (losses, phases, generate) is not judged yet.
  if (context.diagnostics.all.length > before) context.modelKnown = false;
  const owners = [...new Set(withCells(model.layers).map(ownerOf))];
  const trainEntry = root.entries.get("train");
  const train =
    trainEntry === undefined
      ? null
      : readTrain(
          substitute(trainEntry.value, scope, context),
          trainEntry.keySpan,
          {
            outputs: model.outputs,
            owners,
            updatable: new Set(model.layers.map(updateNameOf)),
            features: data?.features ?? new Map(),
            targets: data?.targets ?? new Map(),
            known: data?.known ?? { features: {}, targets: {} },
            dataIsKnown: data?.isKnown ?? false,
          },
          context,
        );
  checkOutputs(model.layers, train?.losses ?? [], data, context);
  const generate = readGenerate(root, scope, model, data, context);
  const init = readInit(root, scope, owners, trainEntry !== undefined, context);
  checkUnread({ root, scope, model, data, train, generate }, context);
  if (context.diagnostics.hasErrors) return null;
  const content = {
    name: values.name,
    data: data?.data ?? null,
    layers: model.layers,
    train: train?.train ?? null,
    generate,
    ...(init === null ? {} : { init }),
  };
  return {
    file: context.file,
    ...content,
    description: values.description,
    dataSpans: Object.fromEntries([...(data?.features ?? []), ...(data?.targets ?? [])]),
    modelSpan: model.span,
    origins: context.origins,
    canonical: canonicalJson(content),
  };
}
