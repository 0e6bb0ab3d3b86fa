// A model and its language, from the header and the bytes that living.py sends: words become tokens.
import { exactFilter } from "./grammar.js";

export function machine({ shape, weights, grammar, belief }, bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const held = weights.map(({ name, shape, offset }) =>
    [name, { shape, data: new Float32Array(buffer, offset, shape.reduce((a, b) => a * b, 1)) }]);
  const { words } = grammar;

  // The tokens of a text, and in one sentence what could not be read of it. The last word may
  // still be in the making.
  function read(text) {
    const said = text.toLowerCase().replaceAll(".", " . ").replaceAll(",", " ").split(/\s+/).filter(Boolean);
    if (said[0] !== ".") said.unshift(".");
    const wrong = said.findIndex((word) => !words.includes(word)), last = wrong === said.length - 1;
    const growing = last && !/\s$/.test(text) && words.some((word) => word.startsWith(said[wrong]));
    const known = wrong < 0 ? said : said.slice(0, wrong), tokens = known.map((word) => words.indexOf(word));
    const alike = (word) => [...word].findIndex((letter, k) => letter !== said[wrong][k]) >>> 0; // letters in common
    const near = wrong < 0 ? [] : words.filter(alike).sort((a, b) => alike(b) - alike(a)).slice(0, 4).map((word) => `‘${word}’`);
    const complaint = wrong >= 0 && !growing
      ? `‘${said[wrong]}’ is not one of the ${words.length} words of this language${near.length ? ` (alike: ${near.join(", ")})` : ""}. The sentence is read up to there.`
      : tokens.length > shape.context
        ? `The model reads at most ${shape.context} positions, the opening full stop counted. The sentence is read up to there.` : "";
    return { tokens: tokens.slice(0, shape.context), complaint, growing: growing ? said[wrong] : "" };
  }
  return { shape, words, belief, senses: grammar.senses, weights: Object.fromEntries(held), exact: exactFilter(grammar), read };
}
