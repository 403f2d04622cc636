"""What the twins share: the same numbers to start from, and the same refusal of numbers that do not fit. NumPy only."""

from __future__ import annotations

import math

import numpy as np

Weights = dict[str, np.ndarray]


def initial_weights(like: Weights, seed: int) -> Weights:
    """Glorot-uniform kernels and zero biases (Glorot and Bengio 2010): float32, in the names and shapes of `like`.

    Kernels are convolutions' [h, w, in, out], dense layers' [in, out], and heads' [K, in, out]: K dense layers.
    """
    rng = np.random.default_rng(seed)
    weights = {}
    for name, array in like.items():
        limit = 0.0
        if name.endswith("kernel"):
            field = math.prod(array.shape[:2]) if array.ndim == 4 else 1  # pixels that a filter sees
            limit = math.sqrt(6.0 / (field * (array.shape[-2] + array.shape[-1])))
        weights[name] = rng.uniform(-limit, limit, array.shape).astype(np.float32)
    return weights


def check_fit(weights: Weights, like: Weights) -> None:
    """Raises ValueError unless `weights` has the names and shapes of `like`, no more and no fewer."""
    have, want = {k: v.shape for k, v in weights.items()}, {k: v.shape for k, v in like.items()}
    if have != want:
        wrong = ", ".join(f"{k} {have.get(k)}, not {want.get(k)}" for k in sorted(have | want) if have.get(k) != want.get(k))
        raise ValueError(f"the weights do not fit the network: {wrong}")


def strip(state: Weights, prefix: str) -> Weights:
    """The part of a state under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
