/** @file Globs in the map from a file to a model. */
import { matchesGlob, namesAround } from "../../1-load/train/layer-patterns.js";
import type { Module, Receiver } from "./fit.js";
import type { Pair } from "./match.js";

/** `encoder` means `encoder.fc1`, too; a star any text. */
export const meansModule = (pattern: string, module: string): boolean =>
  namesAround(module).some((name) => matchesGlob(pattern, name));

/** `layer*.conv` to `block*`: what the first stars stand for is put in place of the others. */
export function starPairs(
  from: string,
  to: string,
  modules: readonly Module[],
  receivers: readonly Receiver[],
): readonly Pair[] {
  return modules.flatMap((module) => {
    const texts = starsOf(from, module.name);
    if (texts === null) return [];
    let at = 0;
    const owner = to.replace(/\*/g, () => texts[at++] ?? "");
    const receiver = receivers.find((one) => one.owner === owner);
    return receiver === undefined ? [] : [{ module, receiver }];
  });
}

/** What each star of the glob stands for, the shortest text first; null where it does not match. */
export function starsOf(glob: string, text: string): readonly string[] | null {
  if (!matchesGlob(glob, text)) return null;
  const [first = "", ...parts] = glob.split("*");
  const texts: string[] = [];
  let at = first.length;
  parts.forEach((part, i) => {
    const isLast = i === parts.length - 1;
    const end = isLast ? text.length - part.length : text.indexOf(part, at);
    texts.push(text.slice(at, end));
    at = end + part.length;
  });
  return texts;
}
