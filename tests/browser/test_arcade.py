"""Playing in the notebook, measured in the page: frames a second, frames from a key to the screen, quick presses; and when the game stands still.

A machine that does other work at the same moment has bad seconds. So what is asked is the best of some short windows, of four seconds or three
presses: a game that cannot reach 25 frames a second, or that needs three frames and more for its answer, fails in all of them. On a quiet machine the first one passes.
(That the kernel answers a key with its very next frame, however busy it is, tests/test_arcade.py shows.)
"""

import statistics
import time

import nbformat
import pytest

from tests.browser import lab

CELLS = (
    "from course_lib import arcade\n\ngame = arcade.play_against('dqn', 2)\ngame",
    "moves, move = set(), arcade.Match.step\narcade.Match.step = lambda match, key: (moves.add((game.keys.last, key)), move(match, key))",
    "print('more cells')",
)
RATES, ANSWERS = 8, 20  # windows
RECORD = """() => {
  const board = document.querySelector('.arcade-board'), screen = board.querySelector('canvas').getContext('2d');
  const paddle = () => {  // its first column, where no ball is in play
    const row = screen.getImageData(8, 190, 144, 1).data;
    for (let column = 0; column < 144; column++) if (row[4 * column]) return column;
  };
  window.frames = [];
  new MutationObserver(() => frames.push({ time: performance.now(), number: +board.dataset.frame, key: +board.dataset.key, paddle: paddle() }))
    .observe(board, { attributes: true, attributeFilter: ['data-frame'] });
}"""
ASK = """async code => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const request = kernel.requestExecute({ code, store_history: false });
  let said = '';
  request.onIOPub = message => { said += message.content.text ?? message.content.traceback?.join('\\n') ?? '' };
  await request.done;
  return said.trim();
}"""


class Player:
    """A board in a page, and the hands on its keys."""

    def __init__(self, notebook: lab.Notebook):
        self.notebook, self.page = notebook, notebook.page
        self.board = self.page.locator(".arcade-board")
        self.keyboard = self.page.keyboard
        self.button = self.page.locator(".arcade-toggle")

    def wait_for(self, state: str) -> None:
        self.page.wait_for_function("state => document.querySelector('.arcade-board').dataset.state === state", arg=state)

    def start(self) -> None:
        """The game is on, whatever it was before."""
        if self.board.get_attribute("data-state") == "over":
            self.button.click()
            self.wait_for("ready")
        self.board.focus()
        if self.board.get_attribute("data-state") != "playing":
            self.keyboard.press("Space")
        self.wait_for("playing")

    def lose_a_ball(self) -> None:
        """Play until you would serve: no ball is in your way, nor will there be."""
        for _ in range(300):
            if "serve" in self.page.locator(".arcade-hint").first.inner_text():
                return
            self.start()
            self.page.wait_for_timeout(200)
        raise AssertionError("no ball was lost within a minute")

    def frames(self) -> list[dict]:
        return self.page.evaluate("frames")

    def frame(self) -> int:
        return int(self.board.get_attribute("data-frame"))

    def wait_for_frames(self, count: int) -> None:
        before = self.frame()
        self.page.wait_for_function("frame => +document.querySelector('.arcade-board').dataset.frame >= frame", arg=before + count)

    def ask(self, code: str) -> str:
        """What the kernel prints."""
        return self.page.evaluate(ASK, code)

    def text(self, name: str) -> str:
        return self.page.locator(f".arcade-{name}").first.inner_text()

    def photograph(self, name: str) -> None:
        lab.SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=lab.SCREENSHOTS / f"arcade-{name}.png")


@pytest.fixture(scope="module")
def player(browser, server, tmp_path_factory):
    path = tmp_path_factory.mktemp("arcade") / "arcade.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS], metadata=kernel), path)
    page = browser.new_page(viewport=lab.WIDE)
    notebook = lab.Notebook(page, server, path)
    notebook.run_all()
    player = Player(notebook)
    player.wait_for("ready")
    page.evaluate(RECORD)
    yield player
    notebook.close()


@pytest.fixture(autouse=True)
def no_complaints(player):
    yield
    assert player.notebook.console == []


def test_run_all_starts_nothing(player):
    before = player.frame()
    player.page.wait_for_timeout(500)
    assert player.frame() == before and player.board.get_attribute("data-state") == "ready"
    assert player.page.locator(".arcade-name").all_inner_texts() == ["You", "DQN, stage 2"]
    lit = "canvas => canvas.getContext('2d').getImageData(0, 0, 160, 210).data.filter((value, i) => i % 4 < 3 && value).length"
    assert all(canvas.evaluate(lit) > 1000 for canvas in player.board.locator("canvas").all())
    player.photograph("ready")


def test_25_frames_a_second(player):
    rates = []
    while len(rates) < RATES and max(rates, default=0) < 25:
        player.start()
        player.wait_for_frames(10)
        count = len(player.frames())
        player.page.wait_for_timeout(4000)
        frames = player.frames()[count:]
        rates.append(1000 * (len(frames) - 1) / (frames[-1]["time"] - frames[0]["time"]))
    assert 25 <= max(rates) < 32, rates
    numbers = [frame["number"] for frame in player.frames()]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))  # not one is left out


def test_a_key_moves_the_paddle_within_two_frames(player):
    player.lose_a_ball()
    medians = []
    while len(medians) < ANSWERS and min(medians, default=9) > 2:
        medians.append(statistics.median(frames_until_the_paddle_moves(player) for _ in range(3)))
    assert min(medians) <= 2, medians


def frames_until_the_paddle_moves(player):
    """Frames that are shown after a press, up to the one in which the paddle has moved."""
    player.start()
    player.page.wait_for_timeout(200)  # it comes to rest
    key = "ArrowLeft" if player.frames()[-1]["paddle"] > 64 else "ArrowRight"  # away from the walls, into which it sinks
    player.page.evaluate("document.addEventListener('keydown', () => { frames.pressed = frames.length }, { capture: true, once: true })")
    player.keyboard.down(key)
    player.wait_for_frames(6)
    player.keyboard.up(key)
    before, frames = player.page.evaluate("frames.pressed"), player.frames()
    return next((number for number, frame in enumerate(frames[before:], 1) if frame["paddle"] != frames[before - 1]["paddle"]), 99)


def test_ten_quick_presses_are_ten_moves(player):
    """Each has a frame in which it is the last thing that happened, though it was let go within a few milliseconds."""
    for key, move in (("ArrowRight", "right"), ("a", "left")):
        player.lose_a_ball()
        player.start()
        player.wait_for_frames(6)  # by then the key that started it has been let go, also for the kernel
        last = player.frames()[-1]["key"]
        for _ in range(10):
            player.keyboard.press(key, delay=12)
        player.page.wait_for_function("last => +document.querySelector('.arcade-board').dataset.key === last", arg=last + 20)
        expected = [(number, move) for number in range(last + 1, last + 21, 2)]
        assert player.ask(f"print(sorted(moves & set({expected})))") == str(expected)


def test_a_held_key_is_one_press(player):
    player.lose_a_ball()
    player.start()
    player.wait_for_frames(6)
    last = player.frames()[-1]["key"]
    player.keyboard.down("d")
    for _ in range(5):
        player.keyboard.down("d")  # as the system repeats it
    player.keyboard.up("d")
    player.wait_for_frames(6)
    assert player.frames()[-1]["key"] == last + 2


def test_the_keys_are_the_games_alone(player):
    """A and B would insert cells, D and X delete them, Enter would edit one, the space bar would scroll."""
    player.start()
    for key in ("a", "d", "d", "Enter", "Space", "A", "D", "b", "x", "ArrowDown", "p", "p"):
        player.keyboard.press(key)
    player.wait_for_frames(3)
    assert player.page.locator(".jp-Notebook .jp-CodeCell").count() == len(CELLS)
    assert player.board.evaluate("board => board === document.activeElement")
    assert player.page.locator(".jp-Notebook").first.evaluate("notebook => notebook.classList.contains('jp-mod-commandMode')")


def test_p_and_the_button_pause_and_go_on(player):
    player.start()
    for act in (lambda: player.keyboard.press("p"), player.button.click):
        act()
        player.wait_for("paused")
        stands_still(player)
        assert player.text("toggle") == "Go on" and player.text("said") == "Paused."
        act()
        player.wait_for("playing")
        assert player.text("toggle") == "Pause" and player.board.evaluate("board => board === document.activeElement")


def test_escape_and_tab_leave_the_board_which_pauses(player):
    for key in ("Escape", "Tab"):
        player.start()
        player.keyboard.press(key)
        player.wait_for("paused")
        stands_still(player)
        assert player.button.evaluate("button => button === document.activeElement")
        player.keyboard.press("Enter")
        player.wait_for("playing")
        assert player.board.evaluate("board => board === document.activeElement")


def test_a_click_elsewhere_pauses_and_one_on_the_board_goes_on(player):
    player.start()
    player.page.locator(".jp-Notebook .jp-CodeCell").last.locator(".cm-content").click()
    player.wait_for("paused")
    stands_still(player)
    player.board.locator("canvas").first.click()
    player.wait_for("playing")


def test_where_nobody_looks_the_game_stands_still(player):
    player.start()
    player.page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")  # a browser without windows hides none
    player.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    player.wait_for("paused")
    player.page.evaluate("delete document.hidden")
    stands_still(player)
    player.start()
    player.board.evaluate("board => { board.style.marginTop = '5000px' }")  # out of sight, as by scrolling
    player.wait_for("paused")
    player.board.evaluate("board => { board.style.marginTop = '' }")


def stands_still(player):
    before = player.frame()
    player.page.wait_for_timeout(300)
    assert player.frame() == before
    assert player.ask("print(game.task)") == "None"


def test_other_cells_run_meanwhile(player):
    player.start()
    assert player.ask("import time\ntime.sleep(1)\nprint(6 * 7)") == "42"
    player.start()
    player.wait_for_frames(10)
    assert player.board.get_attribute("data-state") == "playing"


def test_narrow_windows_stack_the_screens(player):
    def boxes():
        return [canvas.bounding_box() for canvas in player.board.locator("canvas").all()]

    yours, agents = boxes()
    assert yours["y"] == agents["y"] and yours["x"] + yours["width"] < agents["x"]
    assert agents["x"] + agents["width"] - yours["x"] <= 720
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        player.notebook.use_theme(theme)
        player.photograph(theme.split()[1].lower())
    player.notebook.resize(lab.NARROW)
    yours, agents = boxes()
    assert yours["x"] == agents["x"] and yours["y"] + yours["height"] < agents["y"]
    assert player.page.locator(".arcade").evaluate("board => board.scrollWidth <= board.clientWidth")
    for box in (yours, agents):
        assert box["width"] / box["height"] == pytest.approx(4 / 3, rel=0.01)
    player.photograph("narrow")
    player.notebook.resize(lab.WIDE)


def test_in_the_end_both_scores_stand_there(player):
    player.start()
    deadline = time.monotonic() + 180
    while player.board.get_attribute("data-state") != "over":
        assert time.monotonic() < deadline, player.text("said")
        player.board.focus()
        if player.board.get_attribute("data-state") == "paused":
            player.start()
        player.keyboard.press("Space")
        player.page.wait_for_timeout(100)
    yours, agents = player.page.locator(".arcade-score").all_inner_texts()
    assert player.text("said").startswith(f"You: {yours}. DQN, stage 2: {agents}. ")
    assert player.ask("print(game.games[-1])") == f"({yours}, {agents})"
    player.photograph("over")
    player.button.click()
    player.wait_for("ready")
    assert "seed 1" in player.text("said")


def test_when_the_output_is_gone_nothing_runs(player):
    player.start()
    player.page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    player.board.wait_for(state="detached")
    player.page.wait_for_timeout(300)
    assert player.ask("print(game.task, game.state)") == "None paused"
