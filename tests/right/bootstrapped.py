"""Right answers to lesson 07."""

import math
import statistics
from collections import Counter

import numpy as np

from tests.right import right

# --- 07.1: K heads on a shared core ---------------------------------------------------------------------------------------------------


@right("07.1", framework="torch", lazy=True)
def numbered_modules_torch():
    import torch

    class HeadsTorch(torch.nn.Module):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.core, self.num_heads = core, num_heads
            for number in range(num_heads):
                self.add_module(f"head_{number}", make_head())

        def forward(self, observations):
            features = self.core(observations)
            rows = [getattr(self, f"head_{number}")(features).unsqueeze(1) for number in range(self.num_heads)]  # [B, 1, A] each
            return torch.cat(rows, dim=1)

    return HeadsTorch


@right("07.1", framework="torch", lazy=True)
def appended_and_transposed_torch():
    import torch

    class HeadsTorch(torch.nn.Module):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.shared = core
            self.opinions = torch.nn.ModuleList()
            for _ in range(num_heads):
                self.opinions.append(make_head())

        def forward(self, observations):
            features = self.shared(observations)
            q_values = []
            for head in self.opinions:
                q_values.append(head(features))
            return torch.stack(q_values).transpose(0, 1)

    return HeadsTorch


@right("07.1", framework="torch", lazy=True)
def a_dict_of_modules_torch():
    import torch

    class HeadsTorch(torch.nn.Module):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.core = core
            self.heads = torch.nn.ModuleDict({str(number): make_head() for number in range(num_heads)})

        def forward(self, observations):
            features = self.core(observations)
            return torch.cat([head(features) for head in self.heads.values()], dim=1).reshape(len(features), len(self.heads), -1)

    return HeadsTorch


@right("07.1", framework="keras", lazy=True)
def numbered_attributes_keras():
    import keras

    class HeadsKeras(keras.Model):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.core, self.num_heads = core, num_heads
            for number in range(num_heads):
                setattr(self, f"head_{number}", make_head())

        def call(self, observations):
            features = self.core(observations)
            rows = [keras.ops.expand_dims(getattr(self, f"head_{number}")(features), axis=1) for number in range(self.num_heads)]
            return keras.ops.concatenate(rows, axis=1)

    return HeadsKeras


@right("07.1", framework="keras", lazy=True)
def appended_and_transposed_keras():
    import keras

    class HeadsKeras(keras.Model):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.shared, self.opinions = core, []
            for _ in range(num_heads):
                self.opinions.append(make_head())

        def call(self, observations):
            features = self.shared(observations)
            q_values = []
            for head in self.opinions:
                q_values.append(head(features))
            return keras.ops.transpose(keras.ops.stack(q_values), (1, 0, 2))

    return HeadsKeras


@right("07.1", framework="keras", lazy=True)
def in_tensorflow_keras():
    import keras
    import tensorflow as tf

    class HeadsKeras(keras.Model):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.core = core
            self.heads = {str(number): make_head() for number in range(num_heads)}

        def call(self, observations):
            features = self.core(observations)
            row = tf.concat([head(features) for head in self.heads.values()], axis=1)  # [B, K * A]
            return tf.reshape(row, (-1, len(self.heads), row.shape[1] // len(self.heads)))

    return HeadsKeras


# --- 07.2: masks ----------------------------------------------------------------------------------------------------------------------


@right("07.2")
class GrowingTable:
    """Masks in one array, a row more for each transition."""

    def __init__(self, num_heads, probability, rng):
        self.num_heads, self.rng = num_heads, rng
        self.probability = probability if num_heads > 1 else 1.0
        self.transitions, self.masks = [], np.zeros((0, num_heads), bool)

    def add(self, transition):
        self.transitions.append(transition)
        self.masks = np.vstack([self.masks, self.rng.random((1, self.num_heads)) < self.probability])

    def get(self, places):
        return [self.transitions[place] for place in places.tolist()], self.masks[places]


@right("07.2")
class PairsInADict:
    """A transition and its mask kept together, by their number."""

    def __init__(self, num_heads, probability, rng):
        self.num_heads, self.probability, self.rng = num_heads, probability, rng
        self.kept = {}

    def add(self, transition):
        if self.num_heads == 1:
            mask = np.array([True])
        else:
            mask = self.rng.binomial(1, self.probability, self.num_heads).astype(bool)
        self.kept[len(self.kept)] = (transition, mask)

    def get(self, places):
        transitions, masks = zip(*[self.kept[int(place)] for place in places], strict=True)
        return list(transitions), np.stack(masks)


@right("07.2")
class BitByBit:
    """A toss of Python's for each head."""

    def __init__(self, num_heads, probability, rng):
        self.num_heads, self.probability, self.rng = num_heads, probability, rng
        self.transitions, self.masks = [], []

    def add(self, transition):
        self.transitions.append(transition)
        self.masks.append([self.num_heads == 1 or self.rng.uniform() < self.probability for _ in range(self.num_heads)])

    def get(self, places):
        transitions, masks = [], []
        for place in places:
            transitions.append(self.transitions[place])
            masks.append(self.masks[place])
        return transitions, np.array(masks, dtype=bool)


@right("07.2")
class Chosen:
    """Bits drawn by `choice`, and turned to bool when asked for."""

    def __init__(self, num_heads, probability, rng):
        self.num_heads, self.rng = num_heads, rng
        self.shares = [0.0, 1.0] if num_heads == 1 else [1 - probability, probability]
        self.memory = []

    def add(self, transition):
        self.memory.append((self.rng.choice(2, size=self.num_heads, p=self.shares), transition))

    def get(self, places):
        chosen = [self.memory[place] for place in places]
        return [transition for _, transition in chosen], np.array([bits for bits, _ in chosen]) == 1


# --- 07.3: the masked loss ------------------------------------------------------------------------------------------------------------


@right("07.3", framework="torch", lazy=True)
def chosen_and_counted_torch():
    import torch

    def masked_loss_torch(losses, masks):
        kept = torch.where(masks, losses, torch.zeros_like(losses))
        return (kept.sum(0) / torch.maximum(masks.sum(0), torch.tensor(1))).mean()

    return masked_loss_torch


@right("07.3", framework="torch", lazy=True)
def head_by_head_torch():
    import torch

    def masked_loss_torch(losses, masks):
        total = torch.zeros(())
        num_heads = losses.shape[1]
        for head in range(num_heads):
            kept = losses[masks[:, head], head]
            if len(kept) > 0:
                total = total + kept.mean()
        return total / num_heads

    return masked_loss_torch


@right("07.3", framework="torch", lazy=True)
def weights_torch():
    import torch

    def masked_loss_torch(losses, masks):
        weights = masks / masks.sum(dim=0, keepdim=True).clamp(min=1)  # [B, K]: what each sample counts for its head
        return torch.einsum("bk,bk->", losses, weights) / losses.size(1)

    return masked_loss_torch


@right("07.3", framework="keras", lazy=True)
def in_tensorflow_words_keras():
    import tensorflow as tf

    def masked_loss_keras(losses, masks):
        kept = tf.where(masks, losses, tf.zeros_like(losses))
        counts = tf.reduce_sum(tf.cast(masks, tf.float32), axis=0)
        return tf.reduce_mean(tf.math.divide_no_nan(tf.reduce_sum(kept, axis=0), counts))

    return masked_loss_keras


@right("07.3", framework="keras", lazy=True)
def head_by_head_keras():
    import keras

    def masked_loss_keras(losses, masks):
        means = []
        for head in range(losses.shape[1]):
            mask = keras.ops.cast(masks[:, head], losses.dtype)
            means.append(keras.ops.sum(losses[:, head] * mask) / keras.ops.maximum(keras.ops.sum(mask), 1.0))
        return sum(means) / len(means)

    return masked_loss_keras


@right("07.3", framework="keras", lazy=True)
def weights_keras():
    import keras

    def masked_loss_keras(losses, masks):
        counts = keras.ops.count_nonzero(masks, axis=0)
        safe = keras.ops.cast(keras.ops.where(counts > 0, counts, 1), "float32")
        return keras.ops.einsum("bk,bk->", losses, keras.ops.cast(masks, "float32") / safe) / losses.shape[1]

    return masked_loss_keras


@right("07.3", framework="keras", lazy=True)
def only_those_that_count_keras():
    import tensorflow as tf

    def masked_loss_keras(losses, masks):
        total = 0.0
        for column, mask in zip(tf.unstack(losses, axis=1), tf.unstack(masks, axis=1), strict=True):
            kept = tf.boolean_mask(column, mask)
            total += tf.reduce_sum(kept) / tf.maximum(tf.cast(tf.size(kept), tf.float32), 1.0)
        return total / losses.shape[1]

    return masked_loss_keras


# --- 07.4: a head for each episode ----------------------------------------------------------------------------------------------------


@right("07.4")
def game_by_game(heads, starts, num_heads, rng):
    followed = []
    for head, begins in zip(heads, starts, strict=True):
        followed.append(int(rng.integers(0, num_heads)) if begins else int(head))
    return np.array(followed)


@right("07.4")
def copied_and_overwritten(heads, starts, num_heads, rng):
    heads = heads.copy()
    heads[starts] = rng.choice(num_heads, size=np.count_nonzero(starts))
    return heads


@right("07.4")
def scaled_draws(heads, starts, num_heads, rng):
    return heads * ~starts + np.floor(rng.random(len(heads)) * num_heads).astype(np.int64) * starts


# --- 07.5: the vote -------------------------------------------------------------------------------------------------------------------


@right("07.5")
def counted_by_hand(q_values):
    actions = []
    for heads in q_values:  # [K, A]
        votes = Counter(int(head.argmax()) for head in heads)
        most = max(votes.values())
        leaders = [action for action in votes if votes[action] == most]
        actions.append(max(leaders, key=lambda action: heads[:, action].mean()))
    return np.array(actions, dtype=int)


@right("07.5")
def sorted_by_votes_then_means(q_values):
    votes = np.eye(q_values.shape[2])[np.argmax(q_values, axis=-1)].sum(axis=1)  # [B, A]
    return np.lexsort((q_values.mean(axis=1), votes))[:, -1]


@right("07.5")
def ranks_below_one_vote(q_values):
    num_actions = q_values.shape[2]
    best = q_values.argmax(axis=2)
    votes = (best[:, :, None] == np.arange(num_actions)).sum(axis=1)  # [B, A]
    ranks = q_values.sum(axis=1).argsort(axis=1).argsort(axis=1)  # [B, A], 0 to A - 1
    return (votes * num_actions + ranks).argmax(axis=1)


@right("07.5")
def counted_by_bincount(q_values):
    batch, _, num_actions = q_values.shape
    winners = np.zeros(batch, np.int32)
    for row in range(batch):
        votes = np.bincount(q_values[row].argmax(axis=1), minlength=num_actions)
        leaders = np.flatnonzero(votes == votes.max())
        winners[row] = leaders[np.argmax(q_values[row].mean(axis=0)[leaders])]
    return winners


@right("07.5")
def one_after_the_other(q_values):
    if len(q_values) > 1:
        return np.concatenate([one_after_the_other(q_values[:1]), one_after_the_other(q_values[1:])])
    heads = q_values[0].tolist()
    votes = [head.index(max(head)) for head in heads]
    return np.array([max(range(len(heads[0])), key=lambda a: (votes.count(a), math.fsum(head[a] for head in heads)))])


# --- 07.6: disagreement ---------------------------------------------------------------------------------------------------------------


@right("07.6")
def spread_by_hand(q_values):
    away = q_values - q_values.mean(axis=1, keepdims=True)  # [B, K, A]
    return ((away**2).mean(axis=1) ** 0.5).mean(axis=-1)


@right("07.6")
def spread_by_statistics(q_values):
    batch, _, num_actions = q_values.shape
    return np.array(
        [statistics.mean(statistics.pstdev(map(float, q_values[b, :, a])) for a in range(num_actions)) for b in range(batch)]
    )


@right("07.6")
def spread_by_moments(q_values):
    variance = (q_values**2).mean(axis=1) - q_values.mean(axis=1) ** 2
    return np.sqrt(np.maximum(variance, 0)).mean(axis=1)


@right("07.6")
def spread_by_norm(q_values):
    columns = np.moveaxis(q_values, 1, 2)  # [B, A, K]
    centred = columns - np.average(columns, axis=2)[..., np.newaxis]
    return np.mean(np.linalg.norm(centred, axis=2) / np.sqrt(columns.shape[2]), axis=1)
