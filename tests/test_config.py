"""The presets say what the course says they say, and settings survive json."""

import dataclasses
import json

import pytest

from course_lib.config import (
    A3C_BOOK,
    A3C_FAST,
    BOOK,
    BOOTSTRAPPED_BOOK,
    BOOTSTRAPPED_CATCH,
    BOOTSTRAPPED_FAST,
    CATCH,
    FAST,
    PRESETS,
    SMOKE,
    A3CConfig,
    BootstrappedConfig,
    DQNConfig,
    NetworkConfig,
    config_from_dict,
    differences,
    replace,
    with_heads,
)
from course_lib.errors import CourseError

ALL = [pytest.param(config, id=f"{agent}-{name}") for agent, presets in PRESETS.items() for name, config in presets.items()]


def test_book_holds_the_books_settings():
    assert (BOOK.batch_size, BOOK.replay_capacity, BOOK.history, BOOK.target_update_period) == (32, 400_000, 4, 10_000)
    assert (BOOK.discount, BOOK.learning_starts, BOOK.update_period, BOOK.noop_max) == (0.99, 50_000, 1, 30)
    assert (BOOK.epsilon_start, BOOK.epsilon_end, BOOK.epsilon_decay_steps) == (1.0, 0.1, 1_000_000)
    assert (BOOK.optimizer, BOOK.learning_rate, BOOK.optimizer_epsilon) == ("rmsprop", 0.00025, 0.01)
    assert (BOOK.frame_skip, BOOK.num_actions, BOOK.preprocessing, BOOK.num_envs) == (4, 3, "grey", 1)


def test_a3c_book_holds_the_books_settings():
    assert (A3C_BOOK.num_workers, A3C_BOOK.rollout_steps, A3C_BOOK.workers_as) == (8, 20, "threads")
    assert (A3C_BOOK.optimizer, A3C_BOOK.learning_rate, A3C_BOOK.rmsprop_decay, A3C_BOOK.optimizer_epsilon) == ("rmsprop", 0.00025, 0.99, 0.01)
    assert A3C_BOOK.learning_rate_end == A3C_BOOK.learning_rate  # constant
    assert (A3C_BOOK.entropy_weight, A3C_BOOK.discount, A3C_BOOK.checkpoint_minutes) == (0.01, 0.99, 10.0)
    assert A3C_BOOK.network == NetworkConfig(conv=((16, 8, 4), (32, 4, 2)), dense=(256,))


def test_bootstrapped_book_holds_the_code_reviews_settings():
    config = BOOTSTRAPPED_BOOK
    assert (config.num_heads, config.mask_probability, config.prior_scale, config.update_period) == (9, 0.9, 0.0, 4)
    assert (config.preprocessing, config.num_actions) == ("binary", 4)
    assert (config.epsilon_start, config.epsilon_end, config.discount, config.batch_size) == (1.0, 0.01, 0.99, 32)


def test_bootstrapped_fast_holds_the_papers_heads_and_masks():
    """Osband et al. 2016, section 6: on Atari 10 heads, which all learn from everything."""
    assert (BOOTSTRAPPED_FAST.num_heads, BOOTSTRAPPED_FAST.mask_probability) == (10, 1.0)


def test_heads_are_settings_more_than_dqns():
    """What is not said of an ensemble is what its DQN says."""
    config = with_heads(CATCH, num_heads=4, epsilon_end=0.25)
    assert differences(config, BootstrappedConfig(**{field.name: getattr(CATCH, field.name) for field in dataclasses.fields(CATCH)})) == [
        "epsilon_end",
        "num_heads",
    ]
    assert isinstance(config, DQNConfig) and (config.agent, CATCH.agent) == ("bootstrapped_dqn", "dqn")
    assert (BOOTSTRAPPED_CATCH.epsilon_start, BOOTSTRAPPED_CATCH.epsilon_end) == (0.0, 0.0)  # the heads explore


def test_the_network_has_1_685_667_parameters():
    network, size, channels, parameters = BOOK.network, 84, BOOK.history, []
    for filters, kernel, stride in network.conv:
        parameters.append(filters * (kernel * kernel * channels + 1))
        size, channels = (size - kernel) // stride + 1, filters
    units = [size * size * channels, *network.dense, BOOK.num_actions]
    parameters += [after * (before + 1) for before, after in zip(units, units[1:])]
    assert parameters == [8_224, 32_832, 36_928, 1_606_144, 1_539] and sum(parameters) == 1_685_667


@pytest.mark.parametrize("config", ALL)
def test_a_preset_can_run(config):
    assert PRESETS[config.agent][config.preset] is config
    assert config.optimizer in ("rmsprop", "adam", "sgd")
    if config.agent == "a3c":
        assert config.num_workers * config.rollout_steps < config.total_steps and config.entropy_weight > 0
        assert config.workers_as in ("threads", "processes") and 0 < config.learning_rate_end <= config.learning_rate
        return
    assert config.learning_starts <= config.replay_capacity and config.learning_starts < config.total_steps
    assert config.batch_size <= config.learning_starts
    assert config.replay_capacity // config.num_envs > config.history + 1
    assert 0.0 <= config.epsilon_end <= config.epsilon_start <= 1.0
    assert config.precision in ("float32", "bfloat16")
    assert config.agent == "dqn" or (config.num_heads > 1 and 0.0 < config.mask_probability <= 1.0 and config.prior_scale >= 0.0)


def test_fast_learns_as_many_samples_for_each_step_as_32_every_4():
    assert FAST.batch_size / FAST.update_period == 32 / 4


def test_presets_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BOOK.total_steps = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        BOOK.network.dense = ()
    with pytest.raises(TypeError):
        replace(FAST, step_count=1)


@pytest.mark.parametrize("config", ALL)
def test_json_gives_the_same_configuration_back(config):
    back = config_from_dict(json.loads(json.dumps(dataclasses.asdict(config))), config.agent)
    assert back == config and hash(back) == hash(config)


def test_another_versions_configuration_is_refused():
    values = dataclasses.asdict(SMOKE)
    missing = {name: value for name, value in values.items() if name != "discount"}
    for other in (values | {"momentum": 0.9}, missing):
        with pytest.raises(CourseError, match="it differs in (momentum|discount).$"):
            config_from_dict(other)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_frames", "many"), ("noop_max", "x"), ("frame_skip", 0), ("frame_skip", 4.0), ("discount", None), ("game", 3), ("history", True), ("network", []), ("network", {"conv": 3, "dense": []})],
)
def test_a_configuration_with_values_of_other_types_is_refused(name, value):
    with pytest.raises(CourseError, match=f"^This configuration is damaged: [^\n]*{name}[^\n]*[.]$"):
        config_from_dict(dataclasses.asdict(SMOKE) | {name: value})


def test_differences_name_what_differs():
    assert differences(FAST, FAST) == []
    assert differences(FAST, replace(FAST, batch_size=1, network=NetworkConfig(dense=(16,)))) == ["network", "batch_size"]
    assert set(differences(SMOKE, CATCH)) >= {"preset", "game", "history", "network"}


def test_every_setting_has_a_default():
    assert DQNConfig() == BOOK and A3CConfig() == A3C_BOOK
    assert differences(BootstrappedConfig(), with_heads(BOOK)) == []


@pytest.mark.parametrize("wrong", [{"optimizer": "Adam"}, {"precision": "bf16"}])
def test_settings_that_would_train_something_else_are_refused(wrong):
    with pytest.raises(CourseError):
        replace(FAST, **wrong)


@pytest.mark.parametrize(
    "wrong", [{"num_heads": 0}, {"num_heads": 1_001}, {"mask_probability": 0.0}, {"mask_probability": 1.1}, {"prior_scale": -1.0}, {"optimizer": "Adam"}, {"precision": "bf16"}]
)
def test_settings_of_an_ensemble_that_learns_nothing_are_refused(wrong):
    with pytest.raises(CourseError, match="^[^\n]*[.]$"):
        replace(BOOTSTRAPPED_FAST, **wrong)


def test_an_ensembles_settings_are_not_dqns():
    values = dataclasses.asdict(BOOTSTRAPPED_CATCH)
    assert config_from_dict(json.loads(json.dumps(values)), "bootstrapped_dqn") == BOOTSTRAPPED_CATCH
    with pytest.raises(CourseError, match="differs in mask_probability, num_heads, prior_scale.$"):
        config_from_dict(values, "dqn")


@pytest.mark.parametrize("wrong", [{"optimizer": "Adam"}, {"workers_as": "process"}])
def test_a3c_settings_that_there_are_not_are_refused(wrong):
    with pytest.raises(CourseError):
        replace(A3C_FAST, **wrong)


def test_an_agent_that_there_is_not_is_refused():
    with pytest.raises(CourseError, match="agent is one of dqn, bootstrapped_dqn, a3c"):
        config_from_dict({}, "ppo")
