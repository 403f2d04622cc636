"""From command to moving picture: `course play` of a 30 s clip, for each agent that ships, in each framework.

    python benchmarks/play_speed.py

Each command runs twice in a process of its own, as from a shell; the second time counts (files are warm then). The bar: 15 seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import Row, report

from course_lib import pretrained
from course_lib.config import PRESETS
from course_lib.learners import FRAMEWORKS
from course_lib.play import FRAMES_PER_SECOND

BAR_SECONDS = 15.0


def play_seconds(agent: str, framework: str, seconds: int, out: Path) -> float:
    """How long the command takes, from start to written video."""
    options = ["--agent", agent, "--framework", framework, "--max-steps", str(seconds * FRAMES_PER_SECOND), "--out", str(out)]
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "course_lib.cli", "play", *options], check=True, capture_output=True, text=True)
    passed = time.perf_counter() - start
    if f"{seconds * FRAMES_PER_SECOND} agent steps" not in done.stdout:
        raise SystemExit(f"The game was over before the clip was: {done.stdout}")
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=int, default=30, metavar="S", help="length of the clip in seconds (default: %(default)s)")
    parser.add_argument("--agent", choices=sorted(PRESETS), help="only this one (default: all that ship)")
    options = parser.parse_args()
    agents = [options.agent] if options.agent else sorted({entry["agent"] for entry in pretrained.manifest()})
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for agent in agents:
            for framework in FRAMEWORKS:
                _, seconds = (play_seconds(agent, framework, options.clip, Path(folder) / "clip.mp4") for _ in range(2))
                rows.append(Row(f"{agent}, {framework}", f"{seconds:.1f} s", f"{BAR_SECONDS:.0f} s at most", BAR_SECONDS / seconds, bar=1.0))
    return report(f"course play: a clip of {options.clip} s, warm", rows, "From starting the command to the written video.")


if __name__ == "__main__":
    sys.exit(main())
