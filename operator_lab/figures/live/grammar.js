// The exact law of a language: Bayes' rule on its hidden senses, as operator_lab.corpus.Language
// has it. A grammar is a table: {words, senses, holders, stay, nodes: {name: {says, then}}}.

export function exactFilter({ words, senses, holders, stay, nodes }) {
  const index = new Map(words.map((word, i) => [word, i]));
  const token = (word) => index.get(word);
  const says = (node, s) => Object.entries(nodes[node].says[senses[s]]);
  const even = senses.map(() => 1 / senses.length);
  const fresh = (belief, node) => node === "stop"
    ? belief.map((b) => stay * b + (1 - stay) / senses.length) : belief; // a sense may change here

  // Where a word leads; undefined where the grammar forbids it.
  const next = (node, word) => Object.keys(nodes[node].then).find((to) => nodes[node].then[to] > 0
    && senses.some((sense) => nodes[to].says[sense][word] > 0));

  function law({ node, belief }) {
    const found = new Float64Array(words.length), now = fresh(belief, node);
    for (const [to, p] of Object.entries(nodes[node].then)) {
      now.forEach((b, s) => says(to, s).forEach(([word, q]) => { found[token(word)] += p * b * q; }));
    }
    return found;
  }

  // After each word: the node, the belief about the sense now meant, and the law of the next word;
  // the list ends where the grammar forbids a word.
  return function read(tokens) {
    const beliefs = Array.from({ length: Math.max(1, holders.length) }, () => even);
    let node = "stop", holder = 0, seen = [];
    for (const [t, i] of tokens.entries()) {
      const word = words[i], to = t ? next(node, word) : word === "." ? "stop" : undefined;
      if (to === undefined) break;
      if (holders.includes(word)) holder = holders.indexOf(word);
      if (t) {
        const weighed = fresh(beliefs[holder], node).map((b, s) => b * (nodes[to].says[senses[s]][word] ?? 0));
        const total = weighed.reduce((a, b) => a + b, 0);
        if (!(total > 0)) break;
        beliefs[holder] = weighed.map((b) => b / total);
        node = to;
      }
      const here = { node, belief: beliefs[holder] };
      let told; // of most places nobody asks the law
      seen.push({ ...here, get law() { return (told ??= law(here)); } });
    }
    return seen;
  };
}
