"""The command line, `course ...`: argument parsing and printing only; the work is done by the room named in each function."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from course_lib.config import PRESETS
from course_lib.errors import CourseError, WorkerFailed
from course_lib.learners import FRAMEWORKS

AGENTS = tuple(PRESETS)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status: 0; 2 with one sentence for what a person can mend; 1 if a worker broke; 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a pipe on Windows may have no ✓
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(arguments or ["--help"])
    try:
        return options.run_command(options) or 0
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"course: the package {error.name} is missing or broken; see: course doctor", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, a folder without permission
        print(f"course: {error.filename or 'a file'}: {error.strerror or error}.", file=sys.stderr)
        return 2
    except WorkerFailed as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"course: {str(stop) or 'stopped.'}", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="course",
        description="Breakout from pixels: train, watch and measure agents, and build the course's notebooks.",
        epilog="Begin with: course doctor",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    doctor = add(commands, "doctor", run_doctor, "Say what is installed, whether it works, and how to mend what does not.")
    doctor.epilog = "Exit status 0 if all is well, else 2."

    train = add(commands, "train", run_train, "Train an agent into a run folder. Ctrl-C saves; --resume goes on.")
    train.epilog = (
        "A run folder holds checkpoint.safetensors (to resume), best.safetensors (the best evaluation: play it with course play --weights), "
        "snapshots/ (every evaluation), curve.csv, evaluations.csv, and TensorBoard events (tensorboard --logdir RUN)."
    )
    train.add_argument("agent", choices=AGENTS)
    add_framework(train)
    train.add_argument("--preset", choices=PRESETS["bootstrapped_dqn"], help="settings to start from: book as published, fast for 2 CPU cores, "
                       "smoke to see every part run in seconds, catch, and (not a3c) chain and deep_sea, the toys of the lessons (default: fast)")
    train.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder for checkpoints and curves, such as runs/dqn")
    train.add_argument("--resume", action="store_true", help="go on where the run in DIR stopped, with the settings it has")
    train.add_argument("--keep-memory", action="store_true", help="dqn, bootstrapped_dqn: save the replay memory too when the run stops (fast: 2.8 GB)")
    train.add_argument("--workers", type=positive, metavar="N", help="a3c: actor-learners (default: the preset's; fast: 8)")
    train.add_argument("--workers-as", choices=["threads", "processes"], help="a3c: threads share one interpreter; "
                       "processes, with PyTorch, use every core (default: the preset's; fast: processes)")
    train.add_argument("--total-steps", type=positive, metavar="N", help="agent steps to stop at (default: the preset's)")
    train.add_argument("--seed", type=natural, metavar="S", help="seed of weights, exploration and games (default: 0)")
    add_device(train)

    evaluate = add(commands, "evaluate", run_evaluate, "Play whole games and say how good an agent is.")
    add_agent(evaluate)
    evaluate.add_argument("--episodes", type=positive, default=30, metavar="N", help="games to play (default: 30)")
    evaluate.add_argument("--json", action="store_true", help="print everything, every game's score too, as json")

    play = add(commands, "play", run_play, "Watch an agent play one game: prints the score, writes a video; needs no display.")
    add_agent(play)
    play.add_argument("--out", type=Path, default=Path("build/play.mp4"), metavar="FILE", help="video, .mp4 or .gif (default: build/play.mp4)")
    play.add_argument("--max-steps", type=positive, metavar="N", help="stop after N agent steps (15 are a second; default: the whole game)")

    shared = add(commands, "share", run_share, "Measure an agent and put it into a folder in the layout of a Hugging Face model repository; --push uploads it.")
    shared.add_argument("folder", type=Path, metavar="FOLDER", help="a new or an empty folder; or, with --push and no agent, one that course share has made")
    add_agent(shared, seed=30_000)
    shared.add_argument("--episodes", type=positive, default=30, metavar="N", help="games to measure, besides the recorded one (default: 30; fewer never count as solved)")
    shared.add_argument("--push", metavar="USER/NAME", help="upload the folder to this repository, which is made if there is none")
    shared.add_argument("--private", action="store_true", help="with --push: a repository that only you can read")
    shared.epilog = (
        "The folder holds README.md (the model card), config.json, model.safetensors, results.json and replay.mp4. --push needs a token that may write: "
        "make one at https://huggingface.co/settings/tokens, then hf auth login, or set HF_TOKEN. If an upload fails, the folder is kept."
    )

    stages = add(commands, "stages", run_stages, "List the trained agents that ship with the course; --verify plays all their games again.")
    stages.epilog = "--verify plays 30 games of each stage (A3C 60): give it ten minutes or more, or choose. It ends with status 2 if the manifest is wrong."
    stages.add_argument("--agent", choices=AGENTS, help="default: all")
    stages.add_argument("--stage", type=int, metavar="N", help="default: all")
    what = stages.add_mutually_exclusive_group()
    what.add_argument("--verify", action="store_true", help="evaluate again from the files, and say where the manifest is wrong")
    what.add_argument("--film", type=Path, metavar="FILE", help="write a video instead, .mp4 or .gif: an agent's stages (default: dqn's) side by side, 30 seconds of their recorded games")
    add_framework(stages)

    build = add(commands, "build", run_build, "Build notebooks/ and solutions/ from lessons/.")
    build.add_argument("lessons", nargs="*", metavar="LESSON", help='which, such as 03 (default: all)')
    build.add_argument("--check", action="store_true", help="write nothing; say what differs; exit status 2 if anything does")
    build.add_argument("--force", action="store_true", help="execute solutions again even where their source is unchanged")
    build.add_argument("--no-execute", action="store_true", help="build the notebooks for learners only")

    check = add(commands, "check", run_check, "Say which exercises of a notebook are done, open or wrong, as its checks see them.")
    check.add_argument("notebook", type=Path, help="such as notebooks/03_huber_loss.ipynb")
    check.add_argument("--time-limit", type=positive, default=60, metavar="S", help="seconds that an exercise may take (default: 60)")
    check.epilog = "Exit status 0 if nothing is wrong (an exercise may be open), 1 if something is."

    progress = add(commands, "progress", run_progress, "Say lesson by lesson which exercises are done, open or wrong, and where to go on.")
    progress.add_argument("folder", type=Path, nargs="?", help="the folder with the notebooks (default: the course's own)")
    progress.add_argument("--run", action="store_true", help="run every check afresh, which takes minutes, instead of reading what the notebooks "
                          "say as they were saved; Ctrl-C keeps what is done")

    grade = add(commands, "grade", run_grade, "Grade a class: every answer by hidden tests, alone, behind walls. Ctrl-C keeps what is done; the same command goes on.")
    grade.add_argument("submissions", type=Path, help="a folder that holds one folder or one notebook for each learner")
    grade.add_argument("--out", type=Path, required=True, metavar="REPORT", help="folder for marks.csv, marks.json, index.html and a page for each learner")
    grade.add_argument("--lesson", action="append", metavar="NN", help="grade this lesson only; may be given again (default: all that somebody handed in)")
    grade.add_argument("--jobs", type=positive, metavar="N", help="exams at a time (default: one for each core, as far as memory allows)")
    grade.add_argument("--time-limit", type=positive, default=60, metavar="S", help="seconds for an exercise (default: 60)")
    grade.add_argument("--memory-limit", type=positive, default=4096, metavar="MB", help="memory for an exercise (default: 4096)")
    grade.add_argument("--seed", type=natural, default=0, metavar="S", help="seed of the hidden tests' inputs; another one for another year (default: 0)")
    grade.epilog = "Needs Linux or macOS. What is and is not walled off, and how to run it in a container: docs/instructors.md."

    release = add(commands, "release", run_release, "Write a clean folder for students: no solutions, no hidden tests.")
    release.add_argument("folder", type=Path, help="a new or an empty folder")

    ship = add(commands, "ship", run_ship, "Put a run's weights into data/pretrained as a stage, evaluated from the shipped file, with a recorded game.")
    ship.add_argument("agent", choices=AGENTS)
    ship.add_argument("--run", type=Path, required=True, metavar="DIR", help="the run's folder")
    ship.add_argument("--stage", type=int, choices=range(1, 6), required=True, metavar="N", help="1 (start of training) to 5 (best)")
    ship.add_argument("--step", type=positive, metavar="N", help="the weights of the evaluation at N agent steps (default: the best evaluation)")
    ship.add_argument("--machine", required=True, metavar="TEXT", help='what it was trained on, such as "2 CPU cores"')
    ship.add_argument("--note", default="", metavar="TEXT", help="what whoever repeats the command should know")
    return top


def add(commands, name: str, run, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run_command=run)
    return command


def add_framework(command) -> None:
    command.add_argument("--framework", choices=FRAMEWORKS, help="default: torch, or what COURSE_FRAMEWORK says")


def add_device(command) -> None:
    command.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto takes a CUDA GPU where there is one (training a3c: the CPU)")


def add_agent(command, seed: int = 0) -> None:
    """The options that choose an agent, a shipped stage or a weight file, and its games. seed: the default."""
    command.add_argument("--agent", choices=AGENTS, help="default: dqn, or the one in FILE")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--stage", type=int, metavar="N", help="a shipped stage (default: the highest there is)")
    which.add_argument("--weights", type=Path, metavar="FILE", help="a weight file, such as runs/dqn/best.safetensors, or the book's breakout_a3c_5_actor.h5")
    add_framework(command)
    command.add_argument("--seed", type=natural, default=seed, metavar="S", help="seed of the (first) game (default: %(default)s)")
    command.add_argument("--policy", choices=["greedy", "sampled"], help="the best action, or one drawn with the policy's probabilities "
                         "(default: sampled for a3c, greedy for the others, which have no probabilities)")
    heads = command.add_mutually_exclusive_group()
    heads.add_argument("--vote", action="store_true", help="bootstrapped_dqn: every head votes, the most frequent action wins (the default)")
    heads.add_argument("--head", type=natural, metavar="H", help="bootstrapped_dqn: follow one head alone, 0 being the first")
    command.add_argument("--epsilon", type=share, metavar="E", help="share of random actions of a greedy policy (default: as in the run's own evaluations; on Breakout 0.01)")
    add_device(command)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


def share(text: str) -> float:
    number = float(text)
    if not 0.0 <= number <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def load_agent(options):
    """The learner as it is to be played, its configuration, whether its actions are sampled, and its file, as the options choose."""
    from course_lib import pretrained
    from course_lib.learners import as_played, framework

    agent = options.agent or (pretrained.agent_of(options.weights) if options.weights else "dqn")
    if agent != "a3c" and options.policy == "sampled":
        raise CourseError("A DQN has Q-values, not probabilities to draw from; choose --policy greedy.")
    if agent != "bootstrapped_dqn" and (options.vote or options.head is not None):
        raise CourseError(f"Only bootstrapped_dqn has heads; leave out --vote and --head for {agent}.")
    path = options.weights or pretrained.stage_file(agent, options.stage)[0]
    learner, config = pretrained.load_learner(path, framework(options.framework), agent, options.device)
    sampled = agent == "a3c" and options.policy != "greedy"
    if sampled and options.epsilon is not None:
        raise CourseError("Epsilon is for greedy play; add --policy greedy, or leave out --epsilon.")
    options.epsilon = getattr(config, "evaluation_epsilon", 0.01) if options.epsilon is None else options.epsilon
    return as_played(learner, options.head), config, sampled, path


def run_doctor(options) -> int:
    from course_lib import doctor

    return doctor.run()


def run_train(options) -> None:
    from course_lib import a3c_training, q_training
    from course_lib.checkpoints import RunFolder, config_of
    from course_lib.learners import framework

    check_agent_options(options)
    # What a resumed run is not told, it takes from its folder; what it is told must agree with the folder.
    about = RunFolder(options.run).about(options.agent) if options.resume else {}
    presets = PRESETS[options.agent]
    if options.preset and options.preset not in presets:
        raise CourseError(f"{options.agent} has no preset {options.preset}; there are {', '.join(presets)}.")
    config = presets[options.preset or "fast"] if options.preset or not about else config_of(about)
    told = {"total_steps": options.total_steps, "num_workers": options.workers, "workers_as": options.workers_as}
    config = replace(config, **{name: value for name, value in told.items() if value})
    name = framework(options.framework or about.get("framework"))
    if options.agent == "a3c" and name == "keras" and not (about or options.workers_as):
        config = replace(config, workers_as="threads")  # processes are PyTorch's
    seed = about.get("seed", 0) if options.seed is None else options.seed
    if options.agent == "a3c":
        progress = a3c_training.train(config, name, options.run, seed, options.device, options.resume)
    else:
        progress = q_training.train(config, name, options.run, seed, options.device, options.resume, options.keep_memory)
    print(f"{options.run} holds {progress.step:,} agent steps after {progress.seconds / 3600:.2f} hours.")
    if progress.step < config.total_steps:
        print(f"Go on with: course train {options.agent} --run {options.run} --resume")


def check_agent_options(options) -> None:
    """Refuse what only other agents have."""
    if options.agent == "a3c" and options.keep_memory:
        raise CourseError("A3C learns from what it has just played and keeps no memory; leave out --keep-memory.")
    if options.agent != "a3c" and (options.workers or options.workers_as):
        raise CourseError("A DQN has no actor-learners; leave out --workers and --workers-as.")


def run_evaluate(options) -> None:
    from tqdm.auto import tqdm

    from course_lib.evaluation import evaluate, greedy_policy, policy_in_words, sampled_policy

    learner, config, sampled, path = load_agent(options)
    policy, manner = sampled_policy(learner) if sampled else greedy_policy(learner, options.epsilon), policy_in_words(learner, options.epsilon, sampled)
    with tqdm(total=options.episodes, unit=" games", file=sys.stderr, leave=False) as bar:
        scores = evaluate(policy, config, options.episodes, options.seed, bar.update)
    if options.json:
        print(json.dumps({"agent": config.agent, "weights": str(path), "policy": manner} | scores.summary()))
        return
    low, high = scores.interval
    print(f"{path}, {options.episodes} games, {manner}, seeds {scores.seeds[0]} to {scores.seeds[-1]}")
    digits = 1 if config.game == "breakout" else 3  # toys pay thousandths
    mean, low, high, median, iqm = (f"{number:.{digits}f}" for number in (scores.mean, low, high, scores.median, scores.iqm))
    print(f"mean {mean} (95 % interval {low} to {high}), median {median}, interquartile mean {iqm}")
    print("scores " + " ".join(f"{score:.{digits - 1}f}" for score in scores.scores))


def check_video_name(out: Path) -> None:
    if out.suffix not in (".mp4", ".gif"):
        raise CourseError(f"A video is written as .mp4 or .gif, not {out.name}.")


def run_play(options) -> None:
    from course_lib.evaluation import policy_in_words
    from course_lib.play import record_episode, save_gif, save_video

    check_video_name(options.out)
    learner, config, sampled, path = load_agent(options)
    if config.game != "breakout":
        raise CourseError(f"{path} plays {config.game}; only Breakout has a screen to film.")
    episode = record_episode(learner, config, options.seed, options.epsilon, options.max_steps, sampled)
    save = save_gif if options.out.suffix == ".gif" else save_video
    save(episode.frames, options.out)
    print(f"{path}, {policy_in_words(learner, options.epsilon, sampled)}: score {episode.score:.0f} with seed {options.seed}, {len(episode)} agent steps, lives left {episode.lives[-1]}")
    print(f"video: {options.out}")


def run_share(options) -> None:
    from course_lib import sharing

    plain = vars(parser().parse_args(["share", str(options.folder)]))
    chosen = {name for name, value in vars(options).items() if value != plain[name]} - {"push", "private"}
    if options.private and not options.push:
        raise CourseError("A folder is as private as its disk; --private goes with --push USER/NAME.")
    if options.push:
        sharing.check_repo_id(options.push)
    if not sharing.is_shared(options.folder):
        if options.push and not chosen - {"episodes", "seed"}:  # a folder's name mistyped would publish another agent
            raise CourseError(f"{options.folder} holds no shared agent: name an agent to share, such as --weights FILE or --stage N, or the folder that you have made.")
        make_shared_folder(options)
    elif chosen or not options.push:
        raise CourseError(f"{options.folder} holds a shared agent already: upload that with --push USER/NAME and no other option, or name a new folder.")
    if options.push:
        print(f"Uploading {options.folder} to {options.push} ...", flush=True)
        try:
            print(f"uploaded: {sharing.push(options.folder, options.push, options.private)}")
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(f"stopped; {sharing.how_to_go_on(options.folder, options.push, options.private)}") from stop


def make_shared_folder(options) -> None:
    """Play, and say what came of it."""
    from tqdm.auto import tqdm

    from course_lib import sharing
    from course_lib.files import refuse_folder

    refuse_folder(options.folder.resolve())
    learner, config, sampled, path = load_agent(options)
    with tqdm(total=options.episodes + 1, unit=" games", file=sys.stderr, leave=False) as bar:
        sharing.make_folder(
            options.folder, path, config.agent, learner, config, options.episodes, options.seed, options.epsilon, sampled, bar.update
        )
    measured = json.loads((options.folder / "results.json").read_text(encoding="utf-8"))
    low, high = measured["interval_95"]
    print(f"{path}, {measured['n_eval_episodes']} games, {measured['policy']}: mean {measured['mean_reward']:.1f} (95 % interval {low:.1f} to {high:.1f})")
    print(f"{'Solved' if measured['solved'] else 'Not solved'}: {sharing.CRITERION.removeprefix('Solved means: ')}")
    print(f"{options.folder} holds {', '.join(sharing.FILES)}; the recorded game scored {measured['replay']['score']:.0f}.")
    if not options.push:
        print(f"Look at its README.md, then upload it: course share {sharing.as_typed(options.folder)} --push USER/NAME")


def run_stages(options) -> None:
    from rich.console import Console
    from tqdm.auto import tqdm

    from course_lib import stages
    from course_lib.learners import framework

    if options.film:
        return film_stages(stages.entries(options.agent or "dqn", options.stage), options.film)
    chosen = stages.entries(options.agent, options.stage)
    console = Console()
    Console(width=None if console.is_terminal else 110).print(stages.table(chosen))
    if not options.verify:
        return
    wrong, games = 0, sum(stages.EPISODES * len(stages.EVALUATIONS[entry["agent"]]) for entry in chosen)
    with tqdm(total=games, unit=" games", leave=False) as bar:
        for entry in chosen:
            for right, sentence in stages.verify(entry, framework(options.framework), bar.update):
                bar.write(f"{'✓' if right else '✗'} {sentence}")
                wrong += not right
    if wrong:
        raise CourseError(f"The manifest is wrong in {wrong} of these lines; evaluate and ship again, or restore: git checkout -- data/pretrained")
    print(f"The manifest is right about {len(chosen)} stages.")


def film_stages(chosen: list[dict], out: Path) -> None:
    """Stages side by side."""
    from course_lib.figures.watch_live import film
    from course_lib.play import FRAMES_PER_SECOND, save_gif, save_video
    from course_lib.recordings import recorded_game

    check_video_name(out)
    games = {f"stage {entry['stage']}": recorded_game(entry["agent"], entry["stage"], max_steps=30 * FRAMES_PER_SECOND) for entry in chosen}
    pages = film(games)
    if out.suffix == ".gif":
        save_gif(pages, out, width=800)
    else:
        save_video(pages, out, size=pages[0].shape[1::-1])
    print(", ".join(f"{name}: {game.score:.0f} points" for name, game in games.items()))
    print(f"video: {out}")


def run_build(options) -> int:
    from course_lib.grading import build

    different = build.build(options.lessons or None, check=options.check, execute=not options.no_execute, force=options.force)
    if options.check and different:
        raise CourseError(f"{', '.join(map(str, different))} differ from lessons/; run: course build")
    return 0


def run_check(options) -> int:
    from course_lib.grading import self_check

    lines = self_check.check(options.notebook, options.time_limit)
    self_check.show(lines)
    return int(any(line.status == "failed" for line in lines))


def run_progress(options) -> None:
    from course_lib import progress

    lessons = progress.read(options.folder or progress.NOTEBOOKS)
    progress.show(progress.run(lessons) if options.run else lessons)
    if not options.run:
        print("So the notebooks stood when they were saved last; --run asks the checks again.")


def run_grade(options) -> None:
    import psutil
    from rich.console import Console

    from course_lib.grading.grade import grade
    from course_lib.grading.report import summary, write_reports
    from course_lib.grading.tasks import Rules

    rules = Rules(options.seed, options.time_limit, options.memory_limit)
    jobs = options.jobs or max(1, min(os.cpu_count() or 1, psutil.virtual_memory().total // (options.memory_limit * 2**20)))
    book = grade(options.submissions, options.out, options.lesson, rules, jobs)
    write_reports(book, options.out)
    Console().print(summary(book))
    print(f"report: {options.out / 'index.html'}")


def run_release(options) -> None:
    from course_lib.grading.release import release

    files = release(options.folder)
    print(f"{options.folder} holds {len(files)} files for students, without solutions and hidden tests.")


def run_ship(options) -> None:
    from course_lib.shipping import ship

    entry = ship(options.run, options.agent, options.stage, options.machine, options.note, options.step)
    print(json.dumps(entry, indent=1))


if __name__ == "__main__":
    sys.exit(main())
