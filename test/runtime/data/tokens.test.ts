/** @file Tokenisers: any text comes back, and the same texts always give the same ids. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitMerges } from "../../../runtime/data/tokens/bpe-fit.js";
import { compareText, fitVocabulary } from "../../../runtime/data/tokens/fit.js";
import {
  type TextFeature,
  type Tokenizer,
  tokenizerOf,
} from "../../../runtime/data/tokens/index.js";
import { specialTokenNames, specialTokens } from "../../../runtime/spec.js";

type Kind = TextFeature["tokens"];
const kinds: readonly Kind[] = ["char", "word", "bpe"];
const settings = (tokens: Kind, vocabulary = 8000, lowercase = false) => ({
  tokens,
  vocabulary,
  lowercase,
});

function fitted(feature: ReturnType<typeof settings>, texts: readonly string[]): Tokenizer {
  return tokenizerOf("t", feature, { t: fitVocabulary(feature, texts) });
}

function idsOf(tokenizer: Tokenizer, text: string): number[] {
  const ids: number[] = [];
  tokenizer.encode(text, (id) => ids.push(id));
  return ids;
}

/** Unicode of all kinds: emoji, combining marks, right to left, spaces, names that objects have. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        ...[
          "__proto__",
          "constructor",
          "don't",
          "👩‍👩‍👧‍👦",
          "e\u0301",
          "שלום",
          "  ",
          "\n",
          "\u00a0",
          "3.5",
          "1,000",
        ],
        ...[
          "<pad>",
          "<end>",
          "\ufeff",
          "語",
          "\ud83d\ude00",
          "it's",
          "!",
          "(",
          ")",
          '"',
          "'",
          "-",
          "/",
          "$",
        ],
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(" ")),
);

describe("round trips", () => {
  it.each(["char", "bpe"] as const)("%s gives any text back as it was", (kind) => {
    fc.assert(
      fc.property(anyText, (text) => {
        const tokenizer = fitted(settings(kind), [text]);
        expect(tokenizer.decode(idsOf(tokenizer, text))).toBe(text);
      }),
    );
  });

  it("bpe gives back text that it was not trained on", () => {
    fc.assert(
      fc.property(anyText, anyText, (seen, unseen) => {
        const tokenizer = fitted(settings("bpe"), [seen, seen]);
        const ids = idsOf(tokenizer, unseen);
        expect(ids).not.toContain(specialTokens.unknown);
        expect(tokenizer.decode(ids)).toBe(unseen);
      }),
    );
  });

  it("word gives a text with the same words in the same order", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const tokenizer = fitted(settings("word"), [text]);
        const ids = idsOf(tokenizer, text);
        expect(idsOf(tokenizer, tokenizer.decode(ids))).toEqual(ids);
      }),
    );
  });

  it.each([
    "It's 3.5 km, isn't it? Yes (nearly): well-known!",
    'She said "no" and left.',
    "Costs $5, i.e. 20 % of it.",
    "Größe, naïve, Œuvre — 語 and 😀.",
  ])("word writes %j with the usual spaces", (text) => {
    const tokenizer = fitted(settings("word"), [text]);
    const usual = text.replace("20 %", "20%").replace("i.e.", "i. e.");
    expect(tokenizer.decode(idsOf(tokenizer, text))).toBe(usual);
  });

  it("halves of surrogate pairs become replacement characters", () => {
    for (const kind of kinds) {
      const tokenizer = fitted(settings(kind), ["a\ud800b"]);
      expect(tokenizer.decode(idsOf(tokenizer, "a\ud800b")).replaceAll(" ", "")).toBe("a\ufffdb");
    }
  });

  it("bytes that are no UTF-8 decode to replacement characters", () => {
    const tokenizer = fitted(settings("bpe"), ["abc"]);
    expect(tokenizer.decode([4 + 0xff, 4 + 97])).toBe("\ufffda");
  });
});

describe("ids", () => {
  it.each(kinds)("of %s do not depend on the order of the texts", (kind) => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 8 }), (texts) => {
        const one = fitVocabulary(settings(kind, 300), texts);
        expect(fitVocabulary(settings(kind, 300), texts.toReversed())).toEqual(one);
      }),
      { numRuns: 50 },
    );
  });

  it.each(kinds)("of %s stay below the size of the vocabulary, special ones first", (kind) => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 260, max: 300 }), (text, size) => {
        const feature = settings(kind, kind === "bpe" ? size : size - 250);
        const { vocabulary } = fitVocabulary(feature, [text]);
        expect(vocabulary.length).toBeLessThanOrEqual(feature.vocabulary);
        expect(vocabulary.slice(0, 4)).toEqual(specialTokenNames);
        expect(new Set(vocabulary).size).toBe(vocabulary.length);
      }),
    );
  });

  it("follow frequency, then code points", () => {
    const { vocabulary } = fitVocabulary(settings("char"), ["b😀\uffeeaac", "b"]);
    expect(vocabulary.slice(4)).toEqual(["a", "b", "c", "\uffee", "😀"]);
    expect(compareText("\uffee", "😀")).toBeLessThan(0);
    expect(["ab", "a", "b"].sort(compareText)).toEqual(["a", "ab", "b"]);
  });

  it("leave out the rarest where the vocabulary is full", () => {
    const tokenizer = fitted(settings("word", 6), ["b a a c b a"]);
    expect(tokenizer.vocabulary.slice(4)).toEqual(["a", "b"]);
    expect(idsOf(tokenizer, "a c b")).toEqual([4, specialTokens.unknown, 5]);
    expect(tokenizer.decode([4, specialTokens.unknown, 5])).toBe("a \ufffd b");
  });

  it("are never special, whatever a text says", () => {
    for (const kind of kinds) {
      const text = "<pad> <unknown> <start> <end>";
      const tokenizer = fitted(settings(kind), [text]);
      expect(Math.min(...idsOf(tokenizer, text))).toBeGreaterThanOrEqual(4);
    }
  });

  it("of words know no object's own names", () => {
    const tokenizer = fitted(settings("word"), ["a"]);
    expect(idsOf(tokenizer, "__proto__ constructor toString")).toEqual([1, 1, 1]);
  });

  it("of lowercase texts do not tell capital letters", () => {
    const tokenizer = fitted(settings("word", 8000, true), ["The END"]);
    expect(tokenizer.vocabulary.slice(4)).toEqual(["end", "the"]);
    expect(idsOf(tokenizer, "THE end")).toEqual([5, 4]);
  });
});

describe("decoding", () => {
  it("ends at <end> or padding, and leaves <start> out", () => {
    const { start, end, pad } = specialTokens;
    for (const kind of kinds) {
      const tokenizer = fitted(settings(kind), ["a b"]);
      const ids = idsOf(tokenizer, "a b");
      expect(tokenizer.decode([start, ...ids, end, ...ids])).toBe("a b");
      expect(tokenizer.decode([...ids, pad, ...ids])).toBe("a b");
      expect(tokenizer.decode([end])).toBe("");
    }
  });
});

describe("byte pairs", () => {
  /** The algorithm as published: count all pairs anew for every merge. */
  function plainMerges(counts: ReadonlyMap<string, number>, size: number): [number, number][] {
    const words = Array.from(counts, ([text, count]) => ({
      ids: Array.from(new TextEncoder().encode(text), (byte) => 4 + byte),
      count,
    }));
    const merges: [number, number][] = [];
    while (260 + merges.length < size) {
      const pairs = new Map<string, number>();
      for (const { ids, count } of words) {
        for (let i = 1; i < ids.length; i++) {
          const key = `${ids[i - 1]} ${ids[i]}`;
          pairs.set(key, (pairs.get(key) ?? 0) + count);
        }
      }
      const order = [...pairs].map(([key, count]) => [...key.split(" ").map(Number), count]);
      order.sort(([a = 0, b = 0, m = 0], [c = 0, d = 0, n = 0]) => n - m || a - c || b - d);
      const [left = 0, right = 0, count = 0] = order[0] ?? [];
      if (count < 2) break;
      for (const word of words) {
        const joined: number[] = [];
        for (let i = 0; i < word.ids.length; i++) {
          const isPair = word.ids[i] === left && word.ids[i + 1] === right;
          joined.push(isPair ? 260 + merges.length : (word.ids[i] as number));
          if (isPair) i++;
        }
        word.ids.splice(0, word.ids.length, ...joined);
      }
      merges.push([left, right]);
    }
    return merges;
  }

  it("are merged in the order of the published algorithm", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.integer({ min: 1, max: 5 }))), (pieces) => {
        const counts = new Map(pieces);
        expect(fitMerges(counts, 280)).toEqual(plainMerges(counts, 280));
      }),
      { numRuns: 300 },
    );
  });

  it("make frequent words one token, with GPT-2's characters for bytes", () => {
    const { vocabulary } = fitVocabulary(settings("bpe"), ["the cat the cat the cat"]);
    expect(vocabulary).toContain("Ġthe");
    expect(vocabulary).toContain("Ġcat");
    expect(vocabulary.slice(4 + 10, 4 + 11)).toEqual(["Ċ"]);
  });
});
