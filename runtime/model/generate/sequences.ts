/** @file Sequences by search: texts, and codes of which examples are rendered. */
import type { InputRow } from "../../data/encode-inputs.js";
import type { Program } from "../../program.js";
import { derive } from "../../random.js";
import { type GenerateSpec, type SequenceSpec, sequenceInputs, specialTokens } from "../../spec.js";
import { sizeOf } from "../../tensor.js";
import { scalarsOf } from "../../trainer/scalars.js";
import { decodeOutputs } from "../decode.js";
import type { SequenceOptions } from "../types.js";
import { encodeGiven, type Given, invalid, perExample, requireConditions } from "./conditions.js";
import { chunk, chunkOf, type Generator, purpose } from "./examples.js";
import { promptTokens, textOf } from "./prompt.js";
import { beamSearch } from "./search/beam.js";
import { greedy } from "./search/greedy.js";
import type { SearchProblem, Sequence } from "./search/problem.js";
import { sample } from "./search/sample.js";
import { type Search, searchOf } from "./settings.js";
import { nextScores } from "./step.js";

/** Examples that are searched for side by side: so many hold their encoded inputs in memory. */
const together = 64;

/** What one example is made of. */
interface Task {
  readonly given: Given;
  readonly prompt: readonly number[];
  /** For its random numbers. */
  readonly key: number;
}

interface Made {
  readonly best: Sequence;
  readonly all: readonly Sequence[];
}

const searches: {
  readonly [M in Search["method"]]: (
    problem: SearchProblem,
    search: Search,
    keys: readonly number[],
  ) => Promise<(readonly Sequence[])[]>;
} = {
  greedy: async (problem) => (await greedy(problem)).map((found) => [found]),
  sample: async (problem, search, keys) =>
    (await sample(problem, search, keys)).map((found) => [found]),
  beam: beamSearch,
};

/** What ends a text and what is never said in it. Codes have neither. */
function rulesOf(definition: Generator["definition"], { text }: SequenceSpec) {
  if (text === null) return { end: null, never: new Set<number>() };
  const { pad, unknown, start, end } = specialTokens;
  // A text whose end was not learnt goes on to the greatest length.
  return textOf(definition, text).feature.end
    ? { end, never: new Set<number>([pad, unknown, start]) }
    : { end: null, never: new Set<number>([pad, unknown, start, end]) };
}

async function searchAll(
  generator: Generator,
  { given: wanted, sequence }: GenerateSpec & { readonly sequence: SequenceSpec },
  tasks: readonly Task[],
  search: Search,
): Promise<Made[]> {
  const { definition } = generator;
  const program = definition.programs.generate as Program;
  const made: Made[] = [];
  for (let start = 0; start < tasks.length; start += together) {
    const part = tasks.slice(start, start + together);
    const rows = part.map(({ given }) => given);
    const given = await encodeGiven(generator.pictures, definition, wanted, rows);
    const problem: SearchProblem = {
      next: await nextScores(generator, program, sequence, given, part.length),
      prompts: part.map(({ prompt }) => prompt),
      ...rulesOf(definition, sequence),
      maxLength: search.maxLength,
    };
    const keys = part.map(({ key }) => key);
    for (const all of await searches[search.method](problem, search, keys)) {
      const [best] = all;
      if (best === undefined) throw new Error("the search found nothing");
      made.push({ best, all });
    }
  }
  return made;
}

/** `generate()` of a model that makes sequences. */
export async function generateSequences(
  generator: Generator,
  spec: GenerateSpec,
  sequence: SequenceSpec,
  options: SequenceOptions<Given>,
): Promise<unknown[]> {
  const { definition } = generator;
  const search = searchOf(sequence, options);
  const { given, prompt, seed = 0 } = options;
  requireConditions(given, spec.given, definition);
  const text = sequence.text === null ? null : textOf(definition, sequence.text);
  if (text === null && prompt !== undefined) {
    throw invalid("prompt", `${definition.name} generates no text: it takes no prompt`);
  }
  const rows = perExample(options, { given, prompt });
  const isOne = !Array.isArray(given) && !Array.isArray(prompt);
  if (rows.length > 1 && isOne && search.method !== "sample") {
    throw invalid(
      "count",
      `count is ${rows.length}, but method "${search.method}" makes the same every time`,
      'Ask for method "sample", or for the candidates of method "beam".',
    );
  }
  const key = derive(seed, purpose);
  const tasks = rows.map((row, i): Task => {
    const tokens = text === null ? [] : promptTokens(row.prompt, text, search.maxLength);
    return { given: (row.given ?? {}) as Given, prompt: tokens, key: derive(key, i) };
  });
  const found = await searchAll(generator, { ...spec, sequence }, tasks, search);
  if (text === null) return render(generator, spec, sequence, found, tasks);
  const result = ({ tokens, score }: Sequence) => ({ text: text.tokenizer.decode(tokens), score });
  return found.map(({ best, all }) => ({
    ...result(best),
    ...(search.candidates === null
      ? {}
      : { candidates: all.slice(0, search.candidates).map(result) }),
  }));
}

/** What predict() gives for these inputs: the text that the spec's search finds for each. */
export async function predictSequences(
  generator: Generator,
  spec: GenerateSpec,
  sequence: SequenceSpec,
  inputs: readonly InputRow[],
): Promise<{ readonly text: string; readonly score: number }[]> {
  const { definition } = generator;
  if (sequence.text === null) throw new Error("only texts are predicted token by token");
  const { tokenizer } = textOf(definition, sequence.text);
  const key = derive(definition.train?.seed ?? 0, purpose);
  const tasks = inputs.map((given, i): Task => ({ given, prompt: [], key: derive(key, i) }));
  const found = await searchAll(generator, { ...spec, sequence }, tasks, searchOf(sequence, {}));
  return found.map(({ best: { tokens, score } }) => ({ text: tokenizer.decode(tokens), score }));
}

/** Examples of codes, through the program `render`. */
async function render(
  { definition, engine, state, pictures }: Generator,
  { head }: GenerateSpec,
  { codes, steps }: SequenceSpec,
  found: readonly Made[],
  tasks: readonly Task[],
): Promise<unknown[]> {
  const program = definition.programs.render;
  if (program === undefined || codes === null || sizeOf(codes) !== steps) {
    throw new Error("the package cannot render its codes");
  }
  const wanted = Object.keys(program.inputs).filter((name) => name !== sequenceInputs.codes);
  const executable = await engine.prepare(program, chunk);
  const results: unknown[] = [];
  for (let start = 0; start < found.length; start += chunk) {
    const data = Int32Array.from(chunkOf(found, start).flatMap(({ best }) => best.tokens));
    const given = chunkOf(tasks, start).map((task) => task.given);
    const outputs = await executable.run({
      inputs: {
        ...(await encodeGiven(pictures, definition, wanted, given)),
        [sequenceInputs.codes]: { dtype: "i32", shape: [chunk, ...codes], data },
      },
      scalars: scalarsOf(program, { learning_rate: 0, step: 0, random_key: derive(0, purpose) }),
      state,
    });
    const examples = decodeOutputs([head], outputs, chunk);
    results.push(...examples.slice(0, found.length - start));
  }
  return results;
}
