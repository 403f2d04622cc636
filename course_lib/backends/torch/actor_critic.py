"""A3C's policy and value in PyTorch (Mnih et al. 2016, algorithm S3). Twin: backends/keras/actor_critic.py."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from course_lib.backends.common import strip
from course_lib.backends.torch.common import make_optimizer, optimizer_state, pick_device, set_optimizer_state
from course_lib.backends.torch.losses import actor_critic_loss
from course_lib.backends.torch.networks import ActorCriticNetwork, get_weights, initialize, set_weights
from course_lib.config import A3CConfig
from course_lib.returns import Rollout


class ActorCriticLearner:
    """A network with a policy and a value: the global one, or a worker's local copy. See `learners.ActorCritic`."""

    def __init__(self, config: A3CConfig, observation_shape, num_actions: int, seed: int = 0, device: str = "auto"):
        self.config = config
        self.device = pick_device(device)
        self.network = ActorCriticNetwork(config.network, observation_shape, num_actions).to(self.device)
        initialize(self.network, seed)

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """Made when it is first asked for: PyTorch loads as much again for it as for all else, and players and local copies need none."""
        return make_optimizer(self.config, self.network.parameters(), self.config.rmsprop_decay)

    def policy_and_value(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            logits, values = self.network(self._tensor(observations))  # [B, A], [B]
            return logits.softmax(dim=1).cpu().numpy(), values.cpu().numpy()

    def gradients(self, rollout: Rollout) -> tuple[list[torch.Tensor], float]:
        rollout = Rollout(*map(self._tensor, rollout))
        loss = actor_critic_loss(self.network, rollout, self.config.entropy_weight, self.config.value_weight).mean()
        self.network.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.max_gradient_norm)
        return [parameter.grad for parameter in self.network.parameters()], loss.item()

    def apply_gradients(self, gradients: list[torch.Tensor], learning_rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        for parameter, gradient in zip(self.network.parameters(), gradients):
            parameter.grad = gradient
        self.optimizer.step()

    def copy_from(self, other: ActorCriticLearner) -> None:
        with torch.no_grad():
            for mine, theirs in zip(self.network.parameters(), other.network.parameters()):
                mine.copy_(theirs)

    def share_memory(self) -> None:
        """Move weights and optimiser statistics to where other processes see them, too."""
        if not self.optimizer.state:  # made by the first step: take it with no gradient, and forget it
            for parameter in self.network.parameters():
                parameter.grad = torch.zeros_like(parameter)
            self.optimizer.step()
            for moments in self.optimizer.state.values():
                for tensor in moments.values():
                    tensor.zero_()
        self.network.share_memory()
        for moments in self.optimizer.state.values():
            for tensor in moments.values():
                tensor.share_memory_()

    def get_weights(self) -> dict[str, np.ndarray]:
        return get_weights(self.network)

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        set_weights(self.network, weights)

    def get_state(self) -> dict[str, np.ndarray]:
        state = {f"online/{name}": array for name, array in get_weights(self.network).items()}
        return state | optimizer_state(self.optimizer)

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        set_weights(self.network, strip(state, "online/"))
        set_optimizer_state(self.optimizer, strip(state, "optimizer/"))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
