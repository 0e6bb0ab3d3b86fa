"""Other right answers to training.adamw."""

from __future__ import annotations

import numpy as np
import torch

# Its first use imports much, which is not the time of an answer.
torch.optim.AdamW([torch.zeros(1, requires_grad=True)])


def _adamw_loop(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    new = [np.array(a, dtype=float) for a in (w, m, v)]
    (a, b), (W, M, V) = betas, new
    for i in np.ndindex(w.shape):
        M[i] += (1 - a) * (g[i] - m[i])
        V[i] += (1 - b) * (g[i] * g[i] - v[i])
        W[i] -= rate * (decay * w[i] + M[i] / (1 - a**t) / ((V[i] / (1 - b**t)) ** 0.5 + eps))
    return W, M, V


def _adamw_torch(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    weight, g, m, v = (torch.tensor(a) for a in (w, g, m, v))
    weight.grad = g
    step = torch.optim.AdamW([weight], lr=rate, betas=betas, eps=eps, weight_decay=decay)
    step.state[weight] = {"step": torch.tensor(t - 1.0), "exp_avg": m, "exp_avg_sq": v}
    step.step()
    return weight.numpy(), m.numpy(), v.numpy()


def _corrected_rate(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    a, b = betas
    m, v = m * a + g * (1 - a), v * b + g * g * (1 - b)
    root = np.sqrt(1 - b**t)
    return w - rate * decay * w - rate * root / (1 - a**t) * m / (np.sqrt(v) + eps * root), m, v


RIGHT = (_adamw_loop, _corrected_rate, _adamw_torch)
