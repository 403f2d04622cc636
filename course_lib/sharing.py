"""Share an agent: a folder in the layout of a Hugging Face model repository, and its upload.

    README.md            the model card: what it is, how good, how to play it; `model_card` writes it
    config.json          the agent, its actions, its pixels, its whole configuration
    model.safetensors    the weights in the course's own format, which `course play --weights` plays in either framework
    results.json         every game's score, the statistics, the criterion and whether it is met
    replay.mp4           one game more, recorded by gymnasium's own wrappers

A claim is made of what was measured here: games that chose nothing, each played to its end, counted long or short.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.wrappers import RecordEpisodeStatistics, RecordVideo

from course_lib import pretrained
from course_lib.atari import ACTIONS
from course_lib.checkpoints import RunFolder
from course_lib.config import Config, differences
from course_lib.environments import make_game
from course_lib.errors import CourseError
from course_lib.evaluation import Policy, evaluate, greedy_policy, policy_in_words, sampled_policy
from course_lib.files import folder_made_whole, reason, refuse_folder
from course_lib.learners import Head, Learner, as_played
from course_lib.play import as_television
from course_lib.recording import EVALUATION_SEED
from course_lib.recordings import LONGEST

HUMAN_SCORE = 31.8  # a professional games tester's mean at Breakout (Mnih et al. 2015, Extended Data Table 2)
MIN_EPISODES = 30
CRITERION = (
    f"Solved means: over at least {MIN_EPISODES} games, the lower end of the 95 % bootstrap interval of the mean score is at least {HUMAN_SCORE}, "
    "a professional games tester's mean (Mnih et al. 2015, Extended Data Table 2)."
)
SEED = 30_000  # games apart from those that chose weights (20,000 on), those that stages are measured on (10,000 on) and the first of `course evaluate`
FILES = ("README.md", "config.json", "model.safetensors", "results.json", "replay.mp4")
REPLAY_SIZE = (280, 210)  # pixels, width and height: 4 by 3, and every brick is equally wide
NOT_KNOWN = "not known"
PATIENCE = 60.0  # seconds that a server may say nothing


def results(scores: Sequence[float], is_deterministic: bool, when: datetime) -> dict[str, Any]:
    """What Hugging Face's cards of reinforcement learning say of an evaluation, in plain json types.

    scores: raw scores of whole games, at least one; `std_reward` is the population's, as in Stable-Baselines3; `eval_datetime` is ISO 8601 with a
    time zone (`when` without one is local time).
    """
    return {
        "mean_reward": float(np.mean(scores, dtype=float)),
        "std_reward": float(np.std(scores, dtype=float)),
        "is_deterministic": bool(is_deterministic),
        "n_eval_episodes": len(scores),
        "eval_datetime": (when if when.tzinfo else when.astimezone()).isoformat(),
    }


def is_solved(scores: Sequence[float], interval: tuple[float, float], threshold: float = HUMAN_SCORE) -> bool:
    """CRITERION: enough games, and even the low end of the mean's interval reaches the threshold."""
    return bool(len(scores) >= MIN_EPISODES and interval[0] >= threshold)


class Replay(NamedTuple):
    """One recorded game."""

    score: float
    length: int  # agent steps
    video: Path


class Television(gymnasium.Wrapper):
    """Renders the screen as a television shows it, 4 wide by 3 high: uint8 [210, 280, 3]."""

    def render(self) -> np.ndarray:
        return as_television(self.env.render(), REPLAY_SIZE)


def make_policy(learner: Learner, epsilon: float, sampled: bool) -> Policy:
    """The policy that is measured and recorded: greedy with a share of random actions, or drawn with the learner's probabilities."""
    return sampled_policy(learner) if sampled else greedy_policy(learner, epsilon)


def play_options(learner: Learner, config: Config, epsilon: float, sampled: bool) -> str:
    """What `course play` must be told, beyond the file, to play in that way; with a blank in front of each option."""
    learner = as_played(learner)
    policy = " --policy greedy" if config.agent == "a3c" and not sampled else ""
    head = f" --head {learner.head}" if isinstance(learner, Head) else ""
    unusual = not sampled and epsilon != getattr(config, "evaluation_epsilon", 0.01)
    return policy + head + (f" --epsilon {epsilon}" if unusual else "")


def record_game(learner: Learner, config: Config, folder: str | Path, seed: int = 0, epsilon: float = 0.01, sampled: bool = False) -> Replay:
    """Play a whole game of Breakout through gymnasium's RecordEpisodeStatistics and RecordVideo; the video is `folder`/replay.mp4.

    The video shows the first five minutes, for its frames lie in memory until it is written (180 kB each). The same learner and seed give
    the same game. Raises CourseError if the game has no screen, or if the video cannot be written whole.
    """
    if config.game != "breakout":
        raise CourseError(f"This agent plays {config.game}; only Breakout has a screen to film, so only Breakout's agents are shared.")
    policy, rng = make_policy(learner, epsilon, sampled), np.random.default_rng(seed)
    video = Path(folder) / "replay.mp4"
    try:
        video.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=video.parent, prefix=".replay-") as beside:
            statistics = RecordEpisodeStatistics(Television(make_game(config)))
            game = RecordVideo(statistics, f"{beside}/video", episode_trigger=lambda episode: True, video_length=LONGEST)
            try:
                observation, _ = game.reset(seed=seed)
                over = False
                while not over:
                    action = policy(observation[None], rng)[0]
                    observation, _, terminated, truncated, info = game.step(action)
                    over = terminated or truncated
                if game.recording:
                    game.stop_recording()  # writes the video
            finally:  # after an interruption there is nothing to write, and nothing to warn of
                game.recording, game.recorded_frames = False, []
                game.close()
            episode = info["episode"]
            (written,) = Path(beside, "video").glob("*.mp4")
            refuse_cut_video(written, min(int(episode["l"]), LONGEST))
            written.replace(video)
    except OSError as error:
        raise CourseError(f"Could not write {video} ({reason(error)}).") from error
    return Replay(float(episode["r"]), int(episode["l"]), video)


def refuse_cut_video(video: Path, frames: int) -> None:
    """Raise OSError if a video has fewer frames: moviepy does not hear of a disk that is full when ffmpeg closes its file."""
    from imageio_ffmpeg import count_frames_and_secs

    try:
        whole = count_frames_and_secs(video)[0] >= frames
    except RuntimeError:  # no video at all
        whole = False
    if not whole:
        raise OSError("the video was cut off; is the disk full?")


def make_folder(
    folder: str | Path,
    weights: str | Path,
    agent: str,
    learner: Learner,
    config: Config,
    episodes: int = MIN_EPISODES,
    seed: int = SEED,
    epsilon: float = 0.01,
    sampled: bool = False,
    on_game_over: Callable[[int], None] | None = None,
) -> Path:
    """Measure an agent and write FILES into `folder`, which must be new or empty; returns its path.

    weights: the file that `learner` and `config` were loaded from, ours or the book's; `agent` says whose it is. `episodes` games with seeds `seed`, `seed + 1`,
    ... make the statistics, one game more the replay. on_game_over: called with the number of games that just ended. The folder gets its
    name when it is complete: an interruption or a full disk leaves nothing half-made. Raises CourseError.
    """
    from course_lib.model_card import model_card  # loads huggingface_hub: if it is missing, that is said before any game

    folder, weights = Path(folder).resolve(), Path(weights)
    refuse_folder(folder)
    values, written = pretrained.load_weights(weights, agent)
    if different := differences(written, config):
        raise CourseError(f"{weights} was trained with other settings than this agent has ({', '.join(different)}).")
    refuse_seeds(seed, episodes, config)
    came_from = origin(weights, agent)
    on_game_over = on_game_over or (lambda games: None)
    with folder_made_whole(folder) as made:
        if is_ours(weights):
            shutil.copyfile(weights, made / "model.safetensors")
        else:
            pretrained.save_weights(made / "model.safetensors", values, config)
        replay = record_game(learner, config, made, seed + episodes, epsilon, sampled)  # first: a disk that is full says so soon
        on_game_over(1)
        scores = evaluate(make_policy(learner, epsilon, sampled), config, episodes, seed, on_game_over)
        measured = {
            **results(scores.scores, not sampled and epsilon == 0, datetime.now().astimezone().replace(microsecond=0)),
            **scores.summary(),
            "interval_95": list(scores.interval),  # unrounded, for the criterion is about it
            "policy": policy_in_words(learner, epsilon, sampled),
            "criterion": CRITERION,
            "threshold": HUMAN_SCORE,
            "min_episodes": MIN_EPISODES,
            "solved": is_solved(scores.scores, scores.interval),
            "agent": agent,
            "stage": came_from.get("stage"),
            "sha256": pretrained.sha256(made / "model.safetensors"),
            "replay": {"score": replay.score, "length": replay.length, "seed": seed + episodes, "sha256": pretrained.sha256(replay.video)},
            "versions": {name: version(name) for name in ("breakout-from-pixels", "ale-py", "gymnasium")},
        }
        write_json(made / "results.json", measured)
        write_json(made / "config.json", describe(config))
        options = play_options(learner, config, epsilon, sampled)
        model_card(measured, config, training_in_words(came_from, config, weights), options).save(made / "README.md")
    return folder


def describe(config: Config) -> dict[str, Any]:
    """What config.json says."""
    about = {"format": pretrained.FORMAT, "agent": config.agent, "actions": ACTIONS[config.num_actions][1], "preprocessing": config.preprocessing}
    return json.loads(json.dumps(about | {"config": asdict(config)}))  # tuples are lists in json


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")


def is_ours(weights: Path) -> bool:
    """Is it a file of this course's own format? Else it is the book's."""
    return weights.suffix.lower() not in pretrained.book_weights.SUFFIXES


def origin(weights: Path, agent: str) -> dict[str, Any]:
    """What is known of how a weight file came about: a shipped stage's entry in the manifest, or what a run's folder says of its best
    weights and its snapshots. Empty where nothing is known."""
    try:
        checksum = pretrained.sha256(weights)
        for entry in pretrained.manifest():
            if entry["sha256"] == checksum:
                return entry
        kept = weights.parent.name == "snapshots"
        run = RunFolder(weights.parent.parent if kept else weights.parent)
        if not (kept or weights.name == "best.safetensors"):
            return {}
        row = run.evaluation(int(weights.stem) if kept else None)
        if not same_weights(weights, run.snapshot(row["agent_steps"]), agent):
            return {}
        return run.about(agent) | {"agent_steps": row["agent_steps"], "hours": row["hours"]}
    except (CourseError, ArithmeticError, LookupError, ValueError, TypeError):  # no run, or none that says what it did
        return {}


def training_in_words(came_from: dict[str, Any], config: Config, weights: Path) -> dict[str, str]:
    """What is known of an agent's training, for the card."""
    steps, known = came_from.get("agent_steps"), {name: str(value) for name, value in came_from.items()}
    words = {}
    if "stage" in came_from:
        words["agent"] = f"stage {known['stage']} of the {config.agent} agents that ship with the course"
    elif not is_ours(weights):
        words["agent"] = "the book's own agent, read from its Keras file"
    words["agent steps"] = f"{steps:,} ({steps * config.frame_skip:,} frames of the emulator)" if steps else NOT_KNOWN
    words["hours of training"] = f"{came_from['hours']:.2f}" if "hours" in came_from else NOT_KNOWN
    words["machine"] = known.get("machine", NOT_KNOWN)
    words["preset"] = config.preset
    words["seed"] = known.get("seed", NOT_KNOWN)
    if known.get("note"):
        words["note"] = known["note"]
    words = {what: in_a_row(said) for what, said in words.items()}
    if "command" in known:
        words["command"] = "`" + " ".join(known["command"].split()).replace("`", "'").replace("|", "\\|") + "`"
    return words


def in_a_row(text: str) -> str:
    """A text from a file as it may stand in a row of the card's table: one line, nothing that is HTML, a link or the end of a cell."""
    return re.sub(r"([\\`*_\[\]|<>&])", r"\\\1", " ".join(text.split()))


def same_weights(one: Path, other: Path, agent: str) -> bool:
    """Are two files' weights the same in half precision, in which snapshots are kept?"""
    left, right = (pretrained.load_weights(path, agent)[0] for path in (one, other))
    return left.keys() == right.keys() and all(np.array_equal(left[name].astype(np.float16), right[name].astype(np.float16)) for name in left)


def refuse_seeds(seed: int, episodes: int, config: Config) -> None:
    """Games that chose the weights say too much good of them."""
    if seed < EVALUATION_SEED + config.evaluation_episodes and EVALUATION_SEED <= seed + episodes:
        raise CourseError(
            f"Training chose its best weights by games {EVALUATION_SEED} to {EVALUATION_SEED + config.evaluation_episodes - 1}; measure them on others, with another --seed."
        )


def is_shared(folder: str | Path) -> bool:
    """Does a folder look like one that `make_folder` made?"""
    return all((Path(folder) / name).is_file() for name in ("config.json", "results.json"))


def check_whole(folder: Path) -> None:
    """Refuse a shared folder from which something is missing, or whose files do not agree: weights and replay with their checksums, a claim with
    the scores that it is made of. README.md may be edited, as long as Hugging Face can read its metadata and its score stays."""
    from huggingface_hub import ModelCard
    from yaml import YAMLError  # huggingface_hub's own

    from course_lib.model_card import score_of

    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise CourseError(f"{folder} is not a whole shared agent, {', '.join(missing)} is missing: make a new one with course share.")
    damaged = "make a new one with course share"
    try:
        told, about = (json.loads((folder / name).read_text(encoding="utf-8")) for name in ("results.json", "config.json"))
        checksums = {"model.safetensors": told["sha256"], "replay.mp4": told["replay"]["sha256"]}
        agent = told["agent"]
        claims = results(told["scores"], told["is_deterministic"], datetime.fromisoformat(told["eval_datetime"]))
        claims["solved"] = is_solved(told["scores"], told["interval_95"])
        false = [name for name, value in claims.items() if told[name] != value]
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{folder} is damaged ({error!r}): {damaged}.") from error
    if changed := [name for name, checksum in checksums.items() if pretrained.sha256(folder / name) != checksum]:
        raise CourseError(f"{folder} is damaged, {', '.join(changed)} is not what results.json was measured on: {damaged}.")
    if false:
        raise CourseError(f"{folder} is damaged, {', '.join(false)} in results.json does not follow from the scores in it: {damaged}.")
    if describe(pretrained.load_weights(folder / "model.safetensors", agent)[1]) != about:
        raise CourseError(f"{folder} is damaged, config.json does not belong to model.safetensors: {damaged}.")
    try:
        measured = ModelCard.load(folder / "README.md").data.eval_results
    except (ValueError, TypeError, YAMLError) as error:
        raise CourseError(f"{folder / 'README.md'} has metadata that Hugging Face cannot read ({reason(error)}): mend what stands between its lines of ---.") from error
    if not measured:
        raise CourseError(f"{folder / 'README.md'} has lost its metadata, the lines between --- at its top: {damaged}.")
    if [result.metric_value for result in measured] != [score_of(told)]:
        raise CourseError(f"{folder / 'README.md'} claims another score than results.json, {score_of(told)}: write that, or {damaged}.")


def check_repo_id(repo_id: str) -> None:
    """Refuse what is no USER/NAME."""
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(repo_id)
        if "/" not in repo_id:
            raise HFValidationError("the user's name is missing")
    except HFValidationError as error:
        raise CourseError(f'"{repo_id}" is no name of a repository: write USER/NAME, in letters, digits, "-", "_" and ".", such as ada/dqn-breakout.') from error


def push(folder: str | Path, repo_id: str, private: bool = False) -> str:
    """Upload a shared folder as one commit into the model repository USER/NAME, which is made if there is none; returns its address.

    Token and endpoint are huggingface_hub's: HF_TOKEN or `hf auth login`, HF_ENDPOINT. Whatever fails raises CourseError with one sentence that says
    what to do and how to go on; the folder is untouched, and the repository has all files or none.
    """
    folder = Path(folder)
    check_repo_id(repo_id)
    check_whole(folder)
    try:
        return send(folder, repo_id, private)
    except CourseError as error:
        raise CourseError(f"{error}; {how_to_go_on(folder, repo_id, private)}") from error.__cause__


def how_to_go_on(folder: Path, repo_id: str, private: bool = False) -> str:
    """What an upload says that came to nothing."""
    return f"{folder} is kept, go on with: course share {as_typed(folder)} --push {repo_id}{' --private' if private else ''}"


def as_typed(folder: Path) -> str:
    """A folder as it is typed into a terminal, cmd.exe included."""
    return f'"{folder}"' if " " in str(folder) else str(folder)


def send(folder: Path, repo_id: str, private: bool) -> str:
    """`push`, without its checks."""
    from huggingface_hub import CommitOperationAdd, HfApi, get_token
    from huggingface_hub.errors import HTTPError  # httpx's or httpx2's: whichever huggingface_hub was made for

    try:
        token = get_token()
        if not token:
            raise CourseError("There is no token: make one that may write at https://huggingface.co/settings/tokens and give it to hf auth login (or set HF_TOKEN)")
        api = HfApi(token=token)
        with patient_and_silent():
            address = str(api.create_repo(repo_id, private=private or None, exist_ok=True))
            refuse_repository(api.model_info(repo_id), private)
            additions = [CommitOperationAdd(name, folder / name) for name in FILES]
            for addition in additions:  # one by one, for then it is this thread that sends them, and Ctrl-C reaches it
                api.preupload_lfs_files(repo_id, [addition], free_memory=False)
            api.create_commit(repo_id, additions, commit_message="An agent that plays Breakout, with its measurements")
    except (HTTPError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise CourseError(what_went_wrong(error, repo_id)) from error
    return address


@contextmanager
def patient_and_silent() -> Iterator[None]:
    """Inside, huggingface_hub waits PATIENCE for an answer, not for ever, and draws no bars and tells no tries: its last word is ours to tell."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, get_session, logging

    session, verbosity, bars = get_session(), logging.get_verbosity(), not are_progress_bars_disabled()
    timeout, session.timeout = session.timeout, PATIENCE
    logging.set_verbosity_error()
    if bars:
        disable_progress_bars()
    try:
        yield
    finally:
        session.timeout = timeout
        logging.set_verbosity(verbosity)
        if bars:
            enable_progress_bars()


def refuse_repository(info, private: bool) -> None:
    """Leave a repository alone that holds something else, or that all can read where it should be private."""
    there = {file.rfilename for file in info.siblings or ()} - {".gitattributes"}
    if there and not {"results.json", "model.safetensors"} <= there:  # Stable-Baselines3's repositories have results.json, too
        raise CourseError(f"{info.id} exists and holds something else ({', '.join(sorted(there)[:3])}): choose another name")
    if private and not info.private:
        raise CourseError(f"{info.id} exists and is public: choose another name, or make it private in its settings")


def what_went_wrong(error: Exception, repo_id: str) -> str:
    """An upload's error as a sentence without its full stop."""
    from huggingface_hub import constants

    while isinstance(error, RuntimeError) and error.__cause__:  # huggingface_hub's threads wrap what happened to a file
        error = error.__cause__
    hub = constants.ENDPOINT
    answer = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    if answer is None:
        if isinstance(error, ValueError | KeyError | TypeError):
            return f"{hub} does not answer as Hugging Face does ({reason(error)}): see HF_ENDPOINT, or whether this network wants you to log in first"
        return f"The connection to {hub} failed ({reason(error)}): see whether the network is up, then try again"
    status, said = answer.status_code, " ".join((getattr(error, "server_message", None) or str(error)).split())
    if status == 401:
        return f"{hub} refuses the token ({said}): make one that may write at https://huggingface.co/settings/tokens and give it to hf auth login (or set HF_TOKEN)"
    if status == 403:
        return f"{hub} does not let this token write to {repo_id} ({said}): see whether the name is yours, and whether the token may write"
    if status == 429 or status >= 500:
        return f"{hub} is out of order or busy (status {status}): try again later"
    return f"{hub} refuses the upload (status {status}: {said})"
