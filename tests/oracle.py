"""The forward passes of `transformers` as an oracle, in double precision from end to end."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from random_checkpoints import tokenizer

DTYPES = ("float32", "float64")


class Wide:
    """torch, with double precision where a forward pass asks for single in its middle."""

    float32 = float = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


@contextlib.contextmanager
def in_double():
    """Every forward pass of the library computes in double precision, angles and norms too."""
    modules = [
        m for name, m in sys.modules.items()
        if name.startswith(("transformers.models.", "transformers.modeling_rope_utils"))
        and getattr(m, "torch", None) is torch
    ]  # fmt: skip
    single = torch.Tensor.float
    for module in modules:
        module.torch = Wide()
    torch.Tensor.float = torch.Tensor.double
    try:
        yield
    finally:
        torch.Tensor.float = single
        for module in modules:
            module.torch = torch


def saved(folder: Path, kind: type, config, seed: int = 0, **options) -> Path:
    """A random model of the library, saved by the library, with a tokenizer of whole words."""
    torch.manual_seed(seed)
    model = kind(config)
    with torch.no_grad():
        for p in model.parameters():
            noise = torch.randn_like(p)
            about_one = p.ndim == 1 and abs(p - 1).max() < 1e-6
            p.copy_(1 + 0.2 * noise if about_one else noise * (0.4 if p.ndim > 1 else 0.2))
    model.tie_weights()
    model.save_pretrained(folder, **options)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()), encoding="utf-8")
    return folder


@torch.inference_mode()
def answer(folder: Path, tokens, dtype: str, kind: type) -> np.ndarray:
    """The library's logits of a saved model, or an encoder's last states."""
    wide = in_double() if dtype == "float64" else contextlib.nullcontext()
    with wide:
        model = kind.from_pretrained(
            folder, dtype=getattr(torch, dtype), attn_implementation="eager"
        ).eval()
        found = model(torch.as_tensor(np.asarray(tokens))[None])
    return (found.logits if "logits" in found else found.last_hidden_state)[0].numpy()
