// The forward pass of a Transformer, as operator_lab/transformer does it, summed in float64.
// Every intermediate goes through note(name, index, value) and comes back as it is, or changed.
// Arrays are flat, in Python's order: [position, feature], by head [head, position, feature].

export const POINTS = ["state", "query_input", "key_input", "value_input", "query", "key", "value", "interaction",
  "mixing", "head_output", "head_write", "mlp_input", "hidden", "gate", "neuron", "step_write", "readout_input"];
const TINY = 1e-9; // keeps the logarithm of a vanishing overlap finite

export const add = (x, y) => x.map((value, i) => value + y[i]);
export const block = (model, layer) => `blocks.${model.shape.tied ? 0 : layer}.`;

// x W^T + unit b for rows x; W stands as in Python, [out, in]. Four rows and two sums of each at a
// time, so that no sum waits for another; beyond the last row or sum, that one is done again.
export function linear(x, W, b, unit = 1, rows = x.length / W.shape[1]) {
  const [out, width] = W.shape, w = W.data, y = new Float64Array(rows * out);
  for (let n = 0; n < rows; n += 4) {
    const n1 = Math.min(n + 1, rows - 1), n2 = Math.min(n + 2, rows - 1), n3 = Math.min(n + 3, rows - 1);
    const x0 = n * width, x1 = n1 * width, x2 = n2 * width, x3 = n3 * width;
    for (let o = 0; o < out; o += 2) {
      const p = Math.min(o + 1, out - 1), wo = o * width, wp = p * width;
      let a0 = b ? unit * b.data[o] : 0, b0 = b ? unit * b.data[p] : 0;
      let a1 = a0, a2 = a0, a3 = a0, b1 = b0, b2 = b0, b3 = b0;
      for (let i = 0; i < width; i++) {
        const u = w[wo + i], v = w[wp + i], r = x[x0 + i], s = x[x1 + i], t = x[x2 + i], z = x[x3 + i];
        a0 += u * r; a1 += u * s; a2 += u * t; a3 += u * z;
        b0 += v * r; b1 += v * s; b2 += v * t; b3 += v * z;
      }
      y[n * out + o] = a0; y[n1 * out + o] = a1; y[n2 * out + o] = a2; y[n3 * out + o] = a3;
      y[n * out + p] = b0; y[n1 * out + p] = b1; y[n2 * out + p] = b2; y[n3 * out + p] = b3;
    }
  }
  return y;
}
// The map `name` of a model, such as blocks.0.mlp.W_1, with its bias where it has one.
export const mapped = (model, name, x, unit, rows) =>
  linear(x, model.weights[`${name}.weight`], model.weights[`${name}.bias`], unit, rows);

// ---- the norm, its scale apart so that it can be held --------------------------------------------
// Mean and scale of every row; without a mean under rms.
function statistics(y, { features: d, rms, eps }) {
  const rows = y.length / d, mean = new Float64Array(rows), sigma = new Float64Array(rows);
  for (let n = 0; n < rows; n++) {
    let sum = 0, squares = 0;
    if (!rms) for (let i = 0; i < d; i++) sum += y[n * d + i];
    const centre = sum / d;
    for (let i = 0; i < d; i++) squares += (y[n * d + i] - centre) ** 2;
    mean[n] = centre;
    sigma[n] = Math.sqrt(squares / d + eps);
  }
  return { mean, sigma };
}
export const sigmas = (x, shape) => statistics(x, shape).sigma;
export function norm(model, name, y, held, unit = 1) {
  const gain = model.weights[`${name}.gain`]?.data, bias = model.weights[`${name}.bias`]?.data;
  if (!gain) return y;
  const { features: d } = model.shape, { mean, sigma } = statistics(y, model.shape), z = new Float64Array(y.length);
  for (let n = 0; n < mean.length; n++) {
    const scale = 1 / (held ?? sigma)[n];
    for (let i = 0; i < d; i++) z[n * d + i] = (y[n * d + i] - mean[n]) * scale * gain[i] + (bias ? unit * bias[i] : 0);
  }
  return z;
}

// ---- the nonlinearities, as f(z) / z -------------------------------------------------------------
function erf(x) { // all terms have one sign, so every digit counts
  const a = Math.abs(x), square = 2 * a * a;
  if (a > 6) return Math.sign(x);
  let term = a, sum = a;
  for (let n = 3; term > 1e-17 * sum; n += 2) sum += term *= square / n;
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
}
const RATIOS = {
  gelu: (z) => 0.5 * (1 + erf(z / Math.SQRT2)),
  gelu_tanh: (z) => 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3))),
  silu: (z) => 1 / (1 + Math.exp(-z)),
  relu: (z) => (z > 0 ? 1 : 0),
};
// What multiplies W_1 u in an MLP: f(z) / z, or f(gate) where there is one.
export function gates(model, hidden, gate) {
  const ratio = RATIOS[model.shape.activation];
  return gate ? gate.map((g) => ratio(g) * g) : hidden.map(ratio);
}

// ---- first-order mixing between positions (self-attention) ---------------------------------------
export function split(x, N, d_k) { // [position, head d_k] -> [head, position, d_k]
  const y = new Float64Array(x.length), heads = x.length / (N * d_k);
  for (let k = 0; k < x.length; k++) {
    const n = Math.floor(k / (heads * d_k)), h = Math.floor(k / d_k) % heads;
    y[(h * N + n) * d_k + (k % d_k)] = x[k];
  }
  return y;
}
function turned(x, { d_k, rotation }, N) { // each pair of features, by its place (RoPE)
  const half = d_k / 2;
  return rotation.length === 0 ? x : x.map((value, k) => {
    const m = k % d_k, angle = (Math.floor(k / d_k) % N) * rotation[m % half];
    return value * Math.cos(angle) + (m < half ? -x[k + half] : x[k - half]) * Math.sin(angle);
  });
}
// Each head of keys or values once for every head of queries that it serves (grouped queries).
export function shared(x, { heads, d_k, key_heads }, N) {
  const group = heads / (key_heads ?? heads), size = N * d_k;
  return group === 1 ? x : new Float64Array(heads * size).map((_, k) => x[Math.floor(k / size / group) * size + (k % size)]);
}
export function mix(A, v, heads, N) { // A v in every head
  const d = v.length / (heads * N), z = new Float64Array(v.length);
  for (let r = 0; r < heads * N; r++) {
    const h = Math.floor(r / N);
    for (let j = 0; j < N; j++) {
      const weight = A[r * N + j];
      if (weight) for (let i = 0; i < d; i++) z[r * d + i] += weight * v[(h * N + j) * d + i];
    }
  }
  return z;
}
function overlaps(q, k, { heads, d_k }, N) { // S = q_i . k_j
  const S = new Float64Array(heads * N * N);
  for (let r = 0; r < heads * N; r++) {
    for (let j = 0; j < N; j++) {
      const other = (Math.floor(r / N) * N + j) * d_k;
      for (let i = 0; i < d_k; i++) S[r * N + j] += q[r * d_k + i] * k[other + i];
    }
  }
  return S;
}
// exp(S/T) / Z over what a query may see; without regulators S/T or S as it is.
function weigh(S, { mixing, causal }, N, T) {
  const A = new Float64Array(S.length);
  for (let r = 0; r < S.length / N; r++) {
    const end = causal ? (r % N) + 1 : N, row = S.subarray(r * N, r * N + end), heat = T(Math.floor(r / N));
    const raw = mixing === "raw" ? row : row.map((s) => s / heat);
    A.set(mixing === "softmax" ? softmax(raw) : raw, r * N);
  }
  return A;
}
export function softmax(z) {
  const e = new Float64Array(z.length);
  let most = -Infinity, Z = 0;
  for (let k = 0; k < z.length; k++) most = Math.max(most, z[k]);
  for (let k = 0; k < z.length; k++) Z += e[k] = Math.exp(z[k] - most);
  for (let k = 0; k < z.length; k++) e[k] /= Z;
  return e;
}
// What every head adds to the state, [head, position, feature].
function headWrites(model, layer, z, N) {
  const { heads, d_k, features } = model.shape, W = model.weights[`${block(model, layer)}attention.W_O.weight`].data;
  const writes = new Float64Array(heads * N * features);
  for (let r = 0; r < heads * N; r++) {
    const column = Math.floor(r / N) * d_k;
    for (let o = 0; o < features; o++) {
      let sum = 0;
      for (let i = 0; i < d_k; i++) sum += W[o * heads * d_k + column + i] * z[r * d_k + i];
      writes[r * features + o] = sum;
    }
  }
  return writes;
}
function attention(model, layer, u, note, T) {
  const { shape } = model, { heads, d_k, features } = shape, N = u.length / features;
  const at = `${block(model, layer)}attention.`;
  const read = (point, W) => split(mapped(model, at + W, note(point, layer, u)), N, d_k);
  const q = note("query", layer, turned(read("query_input", "W_Q"), shape, N));
  const k = note("key", layer, turned(read("key_input", "W_K"), shape, N));
  const v = note("value", layer, read("value_input", "W_V"));
  const S = note("interaction", layer, overlaps(q, shared(k, shape, N), shape, N));
  const A = note("mixing", layer, weigh(S, shape, N, (head) => T(layer, head)));
  const z = note("head_output", layer, mix(A, shared(v, shape, N), heads, N));
  const write = mapped(model, `${at}W_O`, split(z, heads, d_k)); // split the other way round
  if (!note.byHead) return write;
  const whole = headWrites(model, layer, z, N), changed = note("head_write", layer, whole.slice()), size = write.length;
  return write.map((sum, k) => {
    for (let h = 0; h < heads; h++) sum += changed[h * size + k] - whole[h * size + k];
    return sum;
  });
}

// ---- the on-site potential (feed-forward network), and the whole ---------------------------------
function mlp(model, layer, u, note) {
  const at = `${block(model, layer)}mlp.`;
  u = note("mlp_input", layer, u);
  const z = note("hidden", layer, mapped(model, `${at}W_1`, u));
  const g = model.shape.gated ? note("gate", layer, mapped(model, `${at}W_3`, u)) : null;
  const held = gates(model, z, g), rows = u.length / model.shape.features; // z is empty without hidden features
  return mapped(model, `${at}W_2`, note("neuron", layer, z.map((value, k) => held[k] * value)), 1, rows);
}
function embed(model, tokens) {
  const { features } = model.shape, { W_E, W_P } = model.weights, x = new Float64Array(tokens.length * features);
  tokens.forEach((token, n) => {
    for (let i = 0; i < features; i++) {
      x[n * features + i] = W_E.data[token * features + i] + (W_P ? W_P.data[n * features + i] : 0);
    }
  });
  return norm(model, "start_norm", x);
}
// The law that the model reads from a state (or rows of them): overlaps with the words (unembedding).
export function measure(model, x, note = (name, index, value) => value) {
  const z = mapped(model, "W_U", note("readout_input", 0, norm(model, "final_norm", x))), V = model.weights["W_U.weight"].shape[0];
  const logits = model.shape.readout === "born" ? z.map((value) => Math.log(value ** 2 + TINY)) : z;
  const law = new Float64Array(z.length);
  for (let n = 0; n < z.length; n += V) law.set(softmax(logits.subarray(n, n + V)), n);
  return law;
}
// One run of tokens with every intermediate kept: run[name][index]. `edits` is {"name index": f},
// `T(layer, head)` the temperature of each head, as a rule that of the model.
export function run(model, tokens, edits = {}, T = () => model.shape.T) {
  const { layers, norm: placement } = model.shape, kept = {};
  const note = (name, index, value) => {
    const seen = edits[`${name} ${index}`]?.(value) ?? value;
    (kept[name] ??= [])[index] = seen;
    return seen;
  };
  note.byHead = Object.keys(edits).some((point) => point.startsWith("head_write")); // nobody else pays for it
  let x = note("state", 0, embed(model, tokens));
  for (let s = 0; s < 2 * layers; s++) {
    const layer = Math.floor(s / 2), act = s % 2 ? mlp : attention, name = `${block(model, layer)}norm_${(s % 2) + 1}`;
    const write = (u) => note("step_write", s, act(model, layer, u, note, T));
    x = placement === "post" ? norm(model, name, add(x, write(x))) : add(x, write(norm(model, name, x)));
    x = note("state", s + 1, x);
  }
  const law = measure(model, x, note);
  return { tokens, ...kept, law };
}
