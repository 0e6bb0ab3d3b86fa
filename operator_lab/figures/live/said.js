// What is drawn, in words.
import { short } from "./drawing.js";

export const percent = (p) => `${(100 * p).toFixed(p > 0 && p < 0.0995 ? 1 : 0)}\u00a0%`;
export const nats = (x) => `${Math.max(x, 0).toFixed(x < 0.0995 ? 3 : 2)} nats`;
export const quoted = (word) => `‘${word}’`;
const best = (law, words, count = 3) => [...law.keys()].sort((a, b) => law[b] - law[a]).slice(0, count)
  .filter((i, k) => law[i] > 0.0005 || !k).map((i) => `${quoted(words[i])} ${percent(law[i])}`).join(", ");

export function said({ e, N, at, words: read, law, exact, excess, moved, turned, row, refused }, words) {
  const parts = [`After ${quoted(read[at])} the model expects ${best(law, words)}.`], exchanged = turned !== null;
  parts.push(exact ? `The exact law says ${best(exact.law, words)}; the model${exchanged ? " with the exchanged row" : ""} is ${nats(excess)} away from it${exchanged ? "" : " (its excess)"}.`
    : refused.length > 1 ? `The grammar never says ${quoted(refused[1])} after ${quoted(refused[0])} here, so there is no exact law to compare with.`
      : "The grammar does not allow this sentence, so there is no exact law to compare with.");
  if (e.T !== 1 || e.off.length) parts.push(`What you changed (${[e.T !== 1 && `T = ${short(e.T)} T₀ in ${e.one ? `head ${e.head}` : "all heads"}`,
    e.off.length && `silent: ${e.off.join(", ")}`].filter(Boolean).join("; ")}) moved the law by ${nats(moved)}.`);
  if (exchanged) parts.push(`With the row of ${quoted(read[row])} taken from the second sentence the law has gone ${percent(Math.max(turned, 0))} of the way to that sentence’s.`);
  return parts.join(" ");
}
