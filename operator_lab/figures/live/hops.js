// The final state sorted by hops between positions: operator_lab.dyson.orders(run, free="on_site").
// All weights are held at the run's values; what acts within a position is free and resummed.
import { add, block, gates, mapped, mix, norm, shared, sigmas, split } from "./transformer.js";

// The orders 0 to `most` of all positions, one array each.
export function orders(model, run, most = 2) {
  const { layers, heads, d_k, features, norm: placement } = model.shape, N = run.tokens.length, post = placement === "post";
  const free = (n) => (n ? 0 : 1); // constants belong to order 0, and to order 1 where they hop
  let y = Array.from({ length: most + 1 }, (_, n) => (n ? new Float64Array(N * features) : run.state[0]));
  for (let s = 0; s < 2 * layers; s++) {
    const layer = Math.floor(s / 2), at = block(model, layer), name = `${at}norm_${(s % 2) + 1}`;
    const sigma = sigmas(post ? add(run.state[s], run.step_write[s]) : run.state[s], model.shape);
    const read = y.map((z, n) => (post ? z : norm(model, name, z, sigma, free(n))));
    const act = s % 2 ? potential(model, run, layer, read) : attention(model, run, layer, read);
    y = y.map((z, n) => add(z, act(n)));
    if (post) y = y.map((z, n) => norm(model, name, z, sigma, free(n)));
  }
  return y;

  function potential(model, run, layer, read) {
    const at = `${block(model, layer)}mlp.`, held = gates(model, run.hidden[layer], run.gate?.[layer]);
    return (n) => {
      const u = mapped(model, `${at}W_1`, read[n], free(n));
      return mapped(model, `${at}W_2`, u.map((value, k) => held[k] * value), free(n), N);
    };
  }
  function attention(model, run, layer, read) {
    const at = `${block(model, layer)}attention.`, A = run.mixing[layer];
    const parts = (own) => A.map((a, k) => ((k % N === Math.floor(k / N) % N) === own ? a : 0));
    const within = parts(true), between = parts(false);
    const values = read.map((z, n) => shared(split(mapped(model, `${at}W_V`, z, free(n)), N, d_k), model.shape, N));
    return (n) => {
      const own = mix(within, values[n], heads, N);
      const all = n ? add(own, mix(between, values[n - 1], heads, N)) : own;
      return mapped(model, `${at}W_O`, split(all, heads, d_k), free(n));
    };
  }
}
