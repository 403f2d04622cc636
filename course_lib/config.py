"""The one home of settings: frozen dataclasses, a unit beside every number.

Lessons and commands start from a preset and change what they need: `replace(FAST, total_steps=200_000)`. One *agent step* is one action;
the emulator shows it for `frame_skip` *emulator frames*.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

from course_lib.errors import CourseError

__all__ = [
    "A3C_BOOK", "A3C_CATCH", "A3C_FAST", "A3C_SMOKE", "BOOK", "BOOTSTRAPPED_BOOK", "BOOTSTRAPPED_CATCH", "BOOTSTRAPPED_CHAIN",
    "BOOTSTRAPPED_DEEP_SEA", "BOOTSTRAPPED_FAST", "BOOTSTRAPPED_SMOKE", "CATCH", "CHAIN", "DEEP_SEA", "FAST", "PRESETS", "SMOKE",
    "A3CConfig", "BootstrappedConfig", "Config", "DQNConfig", "NetworkConfig", "config_from_dict", "replace", "with_heads",
]  # fmt: skip


@dataclass(frozen=True)
class NetworkConfig:
    """The layers between the pixels and the outputs (Mnih et al. 2015, Methods)."""

    conv: tuple[tuple[int, int, int], ...] = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
    """(filters, kernel size in pixels, stride in pixels) of each convolution, ReLU after each."""
    dense: tuple[int, ...] = (512,)
    """Units of each hidden dense layer, ReLU after each."""


@dataclass(frozen=True)
class GameConfig:
    """What every agent's configuration says of the game."""

    preset: str = "book"
    """Name of the preset that this configuration started from."""
    game: str = "breakout"
    """"breakout", or the name of a toy in `course_lib.toy`."""
    preprocessing: str = "grey"
    """"grey" (the book: luminance, resize), "binary" (the code review: crop, resize, lit or not), or "book", for the book's own weight files."""
    num_actions: int = 3
    """3: stay (sent as FIRE), right, left. 4: the emulator's own minimal set."""
    frame_skip: int = 4
    """Emulator frames for which an action is repeated."""
    history: int = 4
    """Frames in an observation."""
    noop_max: int = 30
    """Most idle emulator frames at the start of a game."""
    max_frames: int = 108_000
    """Emulator frames after which a game is cut off (30 minutes at 60 Hz)."""


@dataclass(frozen=True)
class DQNConfig(GameConfig):
    """Everything that a DQN run depends on, besides the framework and the seed."""

    agent: ClassVar[str] = "dqn"

    num_envs: int = 1
    """Games played side by side."""

    network: NetworkConfig = NetworkConfig()
    precision: str = "float32"
    """"float32", or "bfloat16" for the matrix work of an update (weights and optimiser stay float32)."""

    total_steps: int = 10_000_000
    """Agent steps, all environments together."""
    replay_capacity: int = 400_000
    """Transitions kept."""
    learning_starts: int = 50_000
    """Agent steps played before the first update."""
    update_period: int = 1
    """Agent steps for each update."""
    batch_size: int = 32
    """Transitions in an update."""
    target_update_period: int = 10_000
    """Agent steps from one copy into the target network to the next."""
    discount: float = 0.99
    """Weight of a reward one agent step later."""

    optimizer: str = "rmsprop"
    """"rmsprop", "adam" or "sgd"."""
    learning_rate: float = 2.5e-4
    """Step size of the optimiser."""
    optimizer_epsilon: float = 0.01
    """The optimiser's own epsilon, unlike in the two frameworks: Keras adds RMSprop's inside the square root, torch outside; see `make_optimizer`."""

    epsilon_start: float = 1.0
    """Share of random actions at the start."""
    epsilon_end: float = 0.1
    """Share of random actions at the end of that line."""
    epsilon_decay_steps: int = 1_000_000
    """Agent steps, from `learning_starts` on, over which epsilon falls in a straight line."""

    evaluation_period: int = 250_000
    """Agent steps from one evaluation to the next; 0 for none."""
    evaluation_episodes: int = 30
    """Games in an evaluation, played to the end with `evaluation_epsilon`."""
    evaluation_epsilon: float = 0.01
    """Share of random actions in evaluation: greedy play can loop for ever."""
    checkpoint_minutes: float = 5.0
    """Minutes from one checkpoint to the next."""

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("precision", self.precision, ("float32", "bfloat16"))


@dataclass(frozen=True)
class BootstrappedConfig(DQNConfig):
    """A Bootstrapped DQN is a DQN with these settings more (Osband et al. 2016). `network.conv` is the core that the heads share;
    every head has the layers of `network.dense` and its own outputs."""

    agent: ClassVar[str] = "bootstrapped_dqn"

    num_heads: int = 10
    """Heads, K. A single head is DQN."""
    mask_probability: float = 1.0
    """Probability that a head may learn from a transition; drawn for each head when the transition is stored."""
    prior_scale: float = 0.0
    """Weight of the fixed random network added to each head (Osband et al. 2018); 0 for none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_heads not in range(1, 1_001) or not 0.0 < self.mask_probability <= 1.0 or not 0.0 <= self.prior_scale < 1_000.0:
            raise CourseError("A Bootstrapped DQN has 1 to 1,000 heads, a mask probability above 0, at most 1, and no negative prior scale.")


@dataclass(frozen=True)
class A3CConfig(GameConfig):
    """Everything that an A3C run depends on, besides the framework and the seed (Mnih et al. 2016)."""

    agent: ClassVar[str] = "a3c"

    num_workers: int = 8
    """Actor-learners, each with a game and a local network of its own."""
    workers_as: str = "threads"
    """"threads" (one interpreter, both frameworks) or "processes" (a core each, PyTorch)."""
    rollout_steps: int = 20
    """Agent steps that a worker plays before it sends its gradients (t_max), fewer where the game ends."""

    network: NetworkConfig = NetworkConfig(conv=((16, 8, 4), (32, 4, 2)), dense=(256,))

    total_steps: int = 20_000_000
    """Agent steps, all workers together."""
    discount: float = 0.99
    """Weight of a reward one agent step later."""
    entropy_weight: float = 0.01
    """Share of the policy's entropy in the loss: it keeps the policy from being certain too soon."""
    value_weight: float = 0.5
    """Share of the squared error of the value in the loss."""
    max_gradient_norm: float = 40.0
    """Longest gradient of a rollout; longer ones are scaled down to it."""

    optimizer: str = "rmsprop"
    """"rmsprop", "adam" or "sgd"; its statistics are shared by all workers."""
    learning_rate: float = 2.5e-4
    """Step size of the optimiser at the start."""
    learning_rate_end: float = 2.5e-4
    """Step size at the end of a straight line."""
    learning_rate_decay_steps: int = 20_000_000
    """Agent steps over which the step size moves from one to the other."""
    rmsprop_decay: float = 0.99
    """How much of RMSprop's running mean of squares stays with each update."""
    optimizer_epsilon: float = 0.01
    """The optimiser's own epsilon, unlike in the two frameworks: Keras adds RMSprop's inside the square root, torch outside; see `make_optimizer`."""

    evaluation_period: int = 250_000
    """Agent steps from one evaluation to the next; 0 for none."""
    evaluation_episodes: int = 30
    """Games in an evaluation, played to the end with actions drawn from the policy."""
    checkpoint_minutes: float = 10.0
    """Minutes from one checkpoint to the next."""

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("workers_as", self.workers_as, ("threads", "processes"))


Config = DQNConfig | A3CConfig
OPTIMIZERS = ("rmsprop", "adam", "sgd")


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a setting that there is not."""
    if value not in allowed:
        raise CourseError(f'{name} is one of {", ".join(allowed)}, not "{value}".')


BOOK = DQNConfig()
"""The book's DQN: one emulator, RMSprop, an update every step, 400,000 transitions."""

FAST = DQNConfig(
    preset="fast",
    num_envs=8,  # the emulators fill the time in which the network learns, and one forward pass serves all eight
    precision="bfloat16",  # convolutions of a batch run about half again as fast; weights stay float32
    learning_starts=20_000,  # random Breakout shows little: 20,000 steps hold all of it
    update_period=8,  # a quarter of BOOK's samples for each step played, as in Mnih et al. 2015 (32 every 4): steps are cheaper ...
    batch_size=64,  # ... and one batch of 64 costs less than two of 32
    target_update_period=1_000,  # Adam moves steadily, so the target may follow more closely
    optimizer="adam",  # insensitive to the loss's scale; reaches the same scores in fewer steps
    learning_rate=1.5e-4,  # smaller than BOOK's: Adam's steps are as long as the rate, however small the gradients
    optimizer_epsilon=1e-8,  # Adam's usual one; 0.01 would drown the gradients of a mean loss
    epsilon_end=0.02,  # at 0.1 a ball is lost to chance before the wall is open
    epsilon_decay_steps=250_000,  # less time spent on random play
)
"""DQN for 2 CPU cores: the same algorithm, each difference from BOOK with its reason beside it."""

SMOKE = replace(
    FAST,
    preset="smoke",
    num_envs=2,
    precision="float32",
    total_steps=600,
    replay_capacity=1_000,
    learning_starts=100,
    target_update_period=200,
    batch_size=16,
    evaluation_period=300,
    evaluation_episodes=2,
    max_frames=400,
)
"""Seconds long: does every part run? It learns nothing."""

CATCH = replace(
    SMOKE,
    preset="catch",
    game="catch",
    history=1,
    num_envs=8,
    network=NetworkConfig(conv=(), dense=(64,)),
    total_steps=10_000,
    replay_capacity=8_000,
    learning_starts=500,
    update_period=4,
    batch_size=32,
    target_update_period=200,
    optimizer="adam",
    learning_rate=1e-3,
    optimizer_epsilon=1e-7,
    epsilon_end=0.05,
    epsilon_decay_steps=5_000,
    evaluation_period=2_500,
    evaluation_episodes=50,
    evaluation_epsilon=0.0,
)
"""A toy that DQN solves in seconds, for lesson 04 and the tests."""

CHAIN = replace(
    CATCH,
    preset="chain",
    game="chain-50",
    num_actions=2,
    num_envs=1,
    network=NetworkConfig(conv=(), dense=(20, 20)),
    total_steps=30_000,
    replay_capacity=120_000,
    learning_starts=100,
    update_period=1,
    target_update_period=100,
    epsilon_end=0.1,
    epsilon_decay_steps=2_000,
    evaluation_period=5_900,
    evaluation_episodes=1,
)
"""The paper's chain (Osband et al. 2016, section 5), which epsilon-greedy exploration hardly ever crosses."""

DEEP_SEA = replace(
    CHAIN,
    preset="deep_sea",
    game="deep_sea-10",
    network=NetworkConfig(conv=(), dense=(50, 50)),
    learning_starts=128,
    batch_size=128,
    target_update_period=4,
    evaluation_period=1_000,
)
"""bsuite's DeepSea (Osband et al. 2020): network, batch, target and rate after its Bootstrapped DQN; memory, loss and DQN's epsilon are ours."""


def with_heads(config: DQNConfig, **settings) -> BootstrappedConfig:
    """A DQN's configuration with heads."""
    return BootstrappedConfig(**{field.name: getattr(config, field.name) for field in fields(config)} | settings)


BOOTSTRAPPED_BOOK = BootstrappedConfig(
    replay_capacity=500_000,
    update_period=4,
    optimizer="adam",
    optimizer_epsilon=1e-8,
    epsilon_end=0.01,
    total_steps=5_000_000,
    evaluation_period=50_000,
    preprocessing="binary",
    num_actions=4,
    num_heads=9,
    mask_probability=0.9,
)
"""The code review's Bootstrapped DQN: binary pixels, 9 heads, masks of 0.9, an update every 4 steps."""

BOOTSTRAPPED_FAST = with_heads(
    FAST,
    network=NetworkConfig(dense=(128,)),  # ten heads of 512 would be 16 million weights, and an update four times as long
    num_heads=10,  # the paper's number
    mask_probability=1.0,  # the paper's choice on Atari: the heads differ by their first weights
    epsilon_decay_steps=100_000,  # the heads explore; epsilon only helps them to begin
    epsilon_end=0.01,
)
"""Bootstrapped DQN for 2 CPU cores."""

BOOTSTRAPPED_SMOKE = with_heads(SMOKE, network=NetworkConfig(dense=(32,)), num_heads=3, mask_probability=0.5)
"""Seconds long: does every part run? It learns nothing."""

BOOTSTRAPPED_CATCH = with_heads(
    CATCH,
    total_steps=15_000,  # half the samples for each head, so half as many steps again: at 10,000 one run in ten has not solved it
    num_heads=5,
    mask_probability=0.5,
    epsilon_start=0.0,
    epsilon_end=0.0,
)
"""Catch, explored by the heads alone: no epsilon."""

BOOTSTRAPPED_CHAIN = with_heads(CHAIN, num_heads=10, mask_probability=0.5, epsilon_start=0.0, epsilon_end=0.0)
"""The paper's chain, explored by the heads alone."""

BOOTSTRAPPED_DEEP_SEA = with_heads(DEEP_SEA, num_heads=20, mask_probability=0.5, prior_scale=3.0, epsilon_start=0.0, epsilon_end=0.0)
"""DeepSea, explored by heads with priors (Osband et al. 2018), for there a fresh network's opinions all look alike."""

A3C_BOOK = A3CConfig()
"""The book's A3C: 8 threads, 20 steps, RMSprop. The book's code uses an optimiser for the policy and another for the value; here one."""

A3C_FAST = replace(
    A3C_BOOK,
    preset="fast",
    workers_as="processes",  # the emulator holds the interpreter's lock: threads take turns, processes do not
    optimizer="adam",  # insensitive to the loss's scale
    learning_rate=2e-4,
    learning_rate_end=2e-5,  # as the policy gets better, there is more to lose
    learning_rate_decay_steps=10_000_000,
    optimizer_epsilon=1e-7,  # Adam's usual one, or near it; 0.01 would drown the gradients of a mean loss
)
"""A3C for 2 CPU cores: the same algorithm, each difference from A3C_BOOK with its reason beside it."""

A3C_SMOKE = replace(
    A3C_FAST,
    preset="smoke",
    num_workers=2,
    workers_as="threads",
    total_steps=600,
    evaluation_period=300,
    evaluation_episodes=2,
    max_frames=400,
)
"""Seconds long: does every part run? It learns nothing."""

A3C_CATCH = replace(
    A3C_SMOKE,
    preset="catch",
    game="catch",
    history=1,
    num_workers=4,
    rollout_steps=9,
    network=NetworkConfig(conv=(), dense=(64,)),
    total_steps=25_000,
    entropy_weight=0.002,
    max_gradient_norm=5.0,
    learning_rate=5e-3,
    learning_rate_end=1e-3,
    learning_rate_decay_steps=25_000,
    evaluation_period=5_000,
    evaluation_episodes=50,
)
"""A toy that A3C solves in seconds, for lesson 06 and the tests."""

PRESETS = {
    "dqn": {config.preset: config for config in (BOOK, FAST, SMOKE, CATCH, CHAIN, DEEP_SEA)},
    "bootstrapped_dqn": {
        config.preset: config
        for config in (
            BOOTSTRAPPED_BOOK,
            BOOTSTRAPPED_FAST,
            BOOTSTRAPPED_SMOKE,
            BOOTSTRAPPED_CATCH,
            BOOTSTRAPPED_CHAIN,
            BOOTSTRAPPED_DEEP_SEA,
        )
    },
    "a3c": {config.preset: config for config in (A3C_BOOK, A3C_FAST, A3C_SMOKE, A3C_CATCH)},
}
"""Agent -> name -> configuration."""


def config_from_dict(values: dict[str, Any], agent: str = "dqn") -> Config:
    """The inverse of `dataclasses.asdict`, for configurations read from json. Unknown or missing fields and values of other types are refused."""
    kinds = {kind.agent: kind for kind in (DQNConfig, BootstrappedConfig, A3CConfig)}
    one_of("agent", agent, tuple(kinds))
    names = {field.name for field in fields(kinds[agent])}
    if set(values) != names:
        different = ", ".join(sorted(set(values) ^ names))
        raise CourseError(f"This configuration was written by another version of the course: it differs in {different}.")
    accepted = {"int": (int,), "float": (int, float), "str": (str,)}
    for field in fields(kinds[agent]):
        value = values[field.name]
        if field.name != "network" and type(value) not in accepted[field.type]:
            raise CourseError(f"This configuration is damaged: {field.name} is {value!r}, which is no {field.type}.")
    if not all(values[name] > 0 for name in ("frame_skip", "history", "max_frames")):
        raise CourseError("This configuration is damaged: frame_skip, history and max_frames must be above 0.")
    try:
        network = NetworkConfig(conv=tuple(map(tuple, values["network"]["conv"])), dense=tuple(values["network"]["dense"]))
    except (KeyError, TypeError) as error:
        raise CourseError("This configuration is damaged: its network has no conv and dense layers.") from error
    return kinds[agent](**{**values, "network": network})


def differences(one: Config, other: Config) -> list[str]:
    """Names of the settings in which two configurations differ."""
    left, right = asdict(one), asdict(other)
    return [name for name in left if left[name] != right[name]]
