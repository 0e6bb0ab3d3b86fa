// What a model answers to an experiment: numbers only, nothing is drawn here.
import { add, measure, run } from "./transformer.js";
import { orders } from "./hops.js";

export const divergence = (p, q) => p.reduce((sum, x, i) => sum + (x > 0 ? x * Math.log(x / Math.max(q[i], 1e-300)) : 0), 0);
// How far a law has gone on the straight way from one law to another: 0 not at all, 1 all of it.
export function share(law, from, to) {
  let along = 0, whole = 0;
  law.forEach((p, i) => { along += (p - from[i]) * (to[i] - from[i]); whole += (to[i] - from[i]) ** 2; });
  return whole > 1e-12 ? along / whole : 0;
}
const where = (head) => head.split(".").map((n) => Number(n) - 1);

// The run under the temperatures and silences asked for, and what else is to be changed on its way.
function altered(machine, tokens, { T, one, head, off }, put) {
  const { heads, T: usual } = machine.shape, edits = { ...put }, [layer, chosen] = where(head);
  for (const [l, h] of off.map(where)) {
    const before = edits[`head_write ${l}`] ?? ((writes) => writes);
    edits[`head_write ${l}`] = (writes) => {
      const size = writes.length / heads;
      return before(writes).fill(0, h * size, (h + 1) * size);
    };
  }
  return run(machine, tokens, edits, (l, h) => (!one || (l === layer && h === chosen) ? T * usual : usual));
}
// The run as the model was trained, and the exact law: the same while only a slider moves.
const known = new WeakMap();
function asTrained(machine, tokens) {
  const name = tokens.join(" ");
  if (known.get(machine)?.name !== name) known.set(machine, { name, run: run(machine, tokens), exact: machine.exact(tokens) });
  return known.get(machine);
}
// A head that writes nothing carries no hop either.
function audible(run, off, heads) {
  const silent = off.map(where);
  return { ...run, mixing: run.mixing.map((A, l) => A.map((a, k) =>
    silent.some(([m, h]) => m === l && h === Math.floor((k * heads) / A.length)) ? 0 : a)) };
}

export function answer(machine, asked) {
  const { layers, heads, features: d } = machine.shape, V = machine.words.length;
  const real = (head) => where(head)[0] < layers && where(head)[1] < heads;
  const e = { ...asked, off: asked.off.filter(real), head: real(asked.head) ? asked.head : "1.1" };
  const first = machine.read(e.text), second = e.other.trim() ? machine.read(e.other) : null, { tokens } = first;
  const N = tokens.length, at = Math.min(e.at ?? N - 1, N - 1), row = Math.min(e.row ?? at, at);
  const lawAt = (run) => run.law.subarray(at * V, (at + 1) * V);

  const usual = asTrained(machine, tokens), before = e.T !== 1 || e.off.length ? altered(machine, tokens, e) : usual.run;
  let now = before, other = null, turn = null, complaint = "";
  if (second && second.tokens.length !== N) {
    complaint = `The two sentences must have the same number of words; they have ${N - 1} and ${second.tokens.length - 1}.`;
  } else if (second) {
    other = altered(machine, second.tokens, e);
    // One row of the second run in the place of the first's, after one step; the rest runs on.
    turn = (step, n) => n > at ? 0 : share(lawAt(exchanged(step, n)), lawAt(before), lawAt(other));
    if (e.step !== null) now = exchanged(Math.min(e.step, 2 * layers), row);
  }
  function exchanged(step, n) {
    const place = (x) => (x = x.slice(), x.set(other.state[step].subarray(n * d, (n + 1) * d), n * d), x);
    return altered(machine, tokens, e, { [`state ${step}`]: place });
  }
  const read = usual.exact, exact = read[at] ?? null, last = (x) => x.subarray(at * d, (at + 1) * d);
  // The law of up to n hops; asked for when all else is drawn, for it takes twice as long as a run.
  function hops() {
    const sums = orders(machine, audible(before, e.off, heads)).map(last);
    for (let n = 1; n < sums.length; n++) sums[n] = add(sums[n], sums[n - 1]);
    return sums.map((x) => measure(machine, x));
  }
  // What is read of the belief off the last state, at the places where the next word depends on it.
  const { belief: readOut } = machine, final = now.state.at(-1);
  const held = read.map(({ node }, n) => readOut?.nodes.includes(node)
    ? readOut.offset.map((b, s) => readOut.weights.reduce((sum, w, i) => sum + w[s] * final[n * d + i], b)) : null);
  return {
    e, first, second: second && { ...second, law: machine.exact(second.tokens).at(-1)?.law }, complaint, N, at, row, turn, exact, beliefs: read.map((place) => place.belief), held,
    words: tokens.map((token) => machine.words[token]), mixing: now.mixing, law: lawAt(now),
    refused: tokens.slice(read.length - 1, read.length + 1).map((token) => machine.words[token]), usual: lawAt(usual.run), before: lawAt(before), other: other && lawAt(other),
    excess: exact && divergence(exact.law, lawAt(now)), moved: divergence(lawAt(usual.run), lawAt(before)),
    turned: other && now !== before ? share(lawAt(now), lawAt(before), lawAt(other)) : null,
    lens: () => now.state.map((x) => measure(machine, last(x))), hops,
  };
}
