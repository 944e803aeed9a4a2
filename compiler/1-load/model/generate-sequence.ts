/** @file Reads a `generate` section with a decoder: a text, or codes, token by token. */
import type { SearchSpec } from "@dlc/runtime";
import type { LayerUse, SequenceUse } from "../resolved-spec.js";
import { ancestorsOf, type GenerateContext, reportIdle } from "./generate-context.js";

/** The layer that stands for what has been said so far. */
const saidBy = "previous";

/** Settings that only these methods read. */
const settingsOf: Readonly<Record<SearchSpec["method"], readonly string[]>> = {
  greedy: [],
  sample: ["temperature", "top_k", "top_p"],
  beam: ["beams", "length_penalty"],
};

/** What sections and specs without one have in common: no setting of a search is given. */
export const defaultSearch: SearchSpec = {
  method: "greedy",
  beams: 4,
  temperature: 1,
  topK: null,
  topP: null,
  maxLength: null,
  lengthPenalty: 0,
};

/** What is said through the `previous` layers that a layer depends on: texts and layers, by name. */
export function saidBefore(name: string, layers: readonly LayerUse[]): readonly string[] {
  const ancestors = ancestorsOf(name, layers);
  const said = layers
    .filter(({ type, name: own }) => type === saidBy && ancestors.has(own))
    .flatMap(({ from }) => from.slice(0, 1));
  return [...new Set(said)];
}

/** The names of the `previous` layers that give `of` to a decoder. */
export function shownIn(
  decoder: string,
  of: string,
  layers: readonly LayerUse[],
): readonly string[] {
  const ancestors = ancestorsOf(decoder, layers);
  return layers.flatMap(({ type, name, from }) =>
    type === saidBy && from[0] === of && ancestors.has(name) ? [name] : [],
  );
}

/** Null after a diagnostic. */
export function readSequence(section: GenerateContext, decoder: string): SequenceUse | null {
  const { values, nodes, model, context, placeOf, layerNamed, unknown, span } = section;
  const refuse = (
    code: "generate-decoder" | "generate-output",
    key: string,
    reason: string,
  ): null => {
    const name = values[key as "decoder" | "output"] ?? decoder;
    context.diagnostics.report(code, placeOf(key), { name, reason });
    return null;
  };
  const { method } = values;
  reportIdle(section, ["network"], "'decoder' makes sequences without it");
  const idle = Object.entries(settingsOf).flatMap(([of, keys]) => (of === method ? [] : keys));
  reportIdle(section, idle, `method ${method} does not read it`);

  const layer = layerNamed(decoder);
  if (layer === undefined) return unknown("decoder", decoder, [...model.outputs.keys()]);
  // What a `previous` names may be among data that have mistakes of their own.
  if (!context.featuresKnown) return null;
  const [of, ...others] = saidBefore(layer.name, model.layers);
  if (of === undefined) {
    return refuse(
      "generate-decoder",
      "decoder",
      "does not read what it has said: no 'previous' leads to it",
    );
  }
  if (others.length > 0) {
    const names = [of, ...others].map((name) => `'${name}'`).join(" and ");
    return refuse("generate-decoder", "decoder", `reads 'previous' of several sequences: ${names}`);
  }
  const isCodes = model.layers.some(({ name }) => name === of);
  const render = isCodes ? readOutput(section, of) : null;
  if (isCodes && render === null) {
    if (values.output !== null) return null;
    return refuse(
      "generate-output",
      "decoder",
      `says the codes of '${of}', of which nothing is made yet: 'output' is missing`,
    );
  }
  if (!isCodes) {
    reportIdle(
      section,
      ["output", "like"],
      `'${decoder}' says the text of '${of}', which is the result`,
    );
  } else if (nodes.has("max_length")) {
    reportIdle(section, ["max_length"], `every example has all codes of '${of}'`);
  }
  const search: SearchSpec = {
    method,
    beams: values.beams,
    temperature: values.temperature,
    topK: values.top_k,
    topP: values.top_p,
    maxLength: isCodes ? null : values.max_length,
    lengthPenalty: values.length_penalty,
  };
  const spans = Object.fromEntries([...nodes.keys()].map((key) => [key, placeOf(key)]));
  const { like } = values;
  return { kind: "sequence", decoder: layer.name, of, search, render, like, span, spans };
}

/** What makes an example of codes; null where there is none, and after a diagnostic. */
function readOutput(section: GenerateContext, codes: string): SequenceUse["render"] {
  const { values, model, context, placeOf, layerNamed, unknown } = section;
  const { output } = values;
  if (output === null) return null;
  const isBehind = (name: string): boolean => ancestorsOf(name, model.layers).has(codes);
  // A network may be used several times, also for something else.
  const use = model.networkUses.find(
    (one) => one.network === output && one.output !== null && isBehind(one.output),
  );
  if (use?.output) return { output: use.output, name: use.name };
  const layer = layerNamed(output);
  if (layer === undefined && !model.networks.has(output)) {
    return unknown("output", output, [...model.outputs.keys(), ...model.networks.keys()]);
  }
  if (layer === undefined || !isBehind(layer.name)) {
    const reason = `is not made of the codes of '${codes}': it does not read them`;
    context.diagnostics.report("generate-output", placeOf("output"), { name: output, reason });
    return null;
  }
  return { output: layer.name, name: output };
}
