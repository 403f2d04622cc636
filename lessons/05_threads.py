# %% [markdown]
# # 05 · Threads
# Eight workers start at the same moment, and each of them counts to a million. Run the next two cells and watch them in slow motion.
#
# **Guess**: on a machine with eight cores, how many of the eight are counting at any one instant?
#
# - **A** All eight: that is what the cores are for.
# - **B** Now eight, now three, as it happens.
# - **C** One.

# %%
import course_lib
import dis
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from inspect import getsource
from itertools import permutations

import numpy as np

from course_lib import checks
from course_lib.atari import Breakout
from course_lib.figures import threads as figures
from course_lib.figures import use_course_style

use_course_style()

# %%
my_guess = "A"

times = figures.race(num_workers=8)  # [8, 500]: when each worker finished each 500th of its way, in milliseconds
print("your guess:", my_guess)
figures.show_race(times)

# %% [markdown]
# <details><summary>How many?</summary>
#
# **C**, however many cores there are. One bar grows for a few thousandths of a second, then it stops, and another goes on. These are eight
# real threads, and together they finish no sooner than one after another. Why anybody would want them all the same, and what to use where
# they do not help, is what this lesson is about.
# </details>
#
# **You will be able to**
# - start workers, wait for them and collect what they found;
# - say which jobs gain from threads, which from processes, and why (the GIL), and measure it on your own machine;
# - lose an update of a shared number *on purpose*, every time, and then make it impossible;
# - bring an exception from a worker home to its caller, and stop the others.
#
# **Minutes**: about 85. **You need**: Python's functions, classes and exceptions; lessons 01 and 04 for the reason why an agent wants
# threads (sections 1 and 6). No network is trained here.

# %% [markdown]
# ## 1 · Why eight?
# The DQN of lesson 04 has one player and a large memory, since steps that follow each other look alike, and 32 of them drawn from a memory
# do not. **A3C**, the agent of lesson 06, gets its variety another way: eight players, each in a game of its own.

# %%
figures.draw_actor_learners(figures.random_screens(8))

# %% [markdown]
# Eight games, and no two alike: other bricks are gone, the balls fly elsewhere. Below each arrow sits one **actor-learner**, with a game
# and a copy of the network of its own. Time and again it *pulls* the newest weights from the one shared network (green), plays a few steps,
# works out what it has learned, and *pushes* that into the shared network (red). Nobody waits for anybody, which is the first A in A3C:
# *asynchronous*.
#
# The shared network lives in one place in memory, and eight workers have their hands on it. So before the network comes the craft of
# working together. It is the same for any program: four sections, one exercise each.

# %% [markdown]
# ## 2 · Workers
# A **thread** is a second place in your program at which work goes on. You hand it a function, `start()` it, and go on with your own
# business; `join()` waits until it is done. (A program ends only when all its threads have ended; for those made with `daemon=True`
# it does not wait.) Names help to see who is who.

# %%
def who_works():
    print("at work:", threading.current_thread().name)


thread = threading.Thread(target=who_works, name="worker 0")
thread.start()
thread.join()
who_works()

# %% [markdown]
# The same function ran in two threads: in "worker 0", and in the one that runs this notebook, `MainThread`.
#
# There is another way to write it, and the book that this course grew out of uses it: a class of your own with a method `run`. What `run`
# does is what the thread does.

# %%
class Worker(threading.Thread):
    def __init__(self, number):
        super().__init__(name=f"worker {number}")
        self.number = number

    def run(self):
        self.found = 10 * self.number
        print(f"{threading.current_thread().name} found {self.found}")


worker = Worker(7)
worker.start()
worker.join()

# %% [markdown]
# **Predict**: what does it print if we call `run()` instead of `start()`?

# %%
my_guess = "worker 7 found 70"

print("your guess:", my_guess)
Worker(7).run()

# %% [markdown]
# The right number, from the wrong thread. `run()` is a method like any other: it does the work here and now, in the thread that calls it.
# Only `start()` makes a new one. Programs with this mistake give right results, one worker at a time, and never tell.

# %% [markdown]
# ### Nothing comes back
# A function that runs in a thread can `return` whatever it likes; nobody is there to receive it. A result needs a place that both threads
# know, such as a list with one place for each worker. (All threads of a program share its memory. That is their strength, and in section
# 4 their danger.)

# %%
def double(i):
    return 2 * i


results = [None, None]


def store(i):
    results[i] = double(i)


thread = threading.Thread(target=store, args=(1,))  # args is a tuple: mind the comma
thread.start()
thread.join()
print(results)

# %% [markdown]
# ### A trap with loops
# Here four workers are made in one loop and started in another. Each should note down its own number. **Predict** the four notes.

# %%
my_guess = [0, 1, 2, 3]

notes, threads = [], []
for i in range(4):
    threads.append(threading.Thread(target=lambda: notes.append(i)))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("your guess:", my_guess)
print("the notes: ", notes)

# %% [markdown]
# The function does not contain a number, it contains *the name* `i`, and looks up what `i` holds **when it runs**. By then the loop was
# over. Had we started each thread inside the first loop, the notes might well have been right, by luck: the thread would have looked
# before the loop moved on. Most of the time.
#
# `args=(i,)` hands over the number that `i` holds *now*.

# %% [markdown] exercise="05.1" points=2
# ### Exercise 05.1 · Eight workers
# *Difficulty 2 of 5 · 2 points · about 12 minutes*
#
# Write `run_workers(work, num_workers)`. `work` is a function of one number. Call `work(0)`, `work(1)`, ..., `work(num_workers - 1)`, each
# in a thread of its own, so that all of them are at work at the same time. Wait until every one is done, and return a list of what they
# returned: worker i's result at place i, whoever was done first.
#
# `run_workers(double, 4)` gives `[0, 2, 4, 6]`.
#
# <details><summary>Hint 1</summary>Three steps, each a loop or a comprehension of its own: make and start all threads; join all; return
# the results.</details>
# <details><summary>Hint 2</summary><code>work</code> returns its result into nowhere. Wrap it: a small function inside yours that calls
# <code>work(i)</code> and stores what comes back at place i of a list that was made beforehand.</details>
# <details><summary>Hint 3</summary><code>results = [None] * num_workers</code>, then <code>def store(i): results[i] = work(i)</code>, then
# <code>threads = [threading.Thread(target=store, args=(i,)) for i in range(num_workers)]</code>, a loop that starts, a loop that
# joins.</details>

# %% exercise="05.1"
def run_workers(work, num_workers):
    """Call work(0) ... work(num_workers - 1), each in a thread of its own, all at the same time.

    Returns their results in the order of the workers, once all are done.
    """
    # SOLUTION BEGIN
    results = [None] * num_workers

    def store(i):
        results[i] = work(i)

    threads = [threading.Thread(target=store, args=(i,)) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
    # SOLUTION END


# %% check="05.1"
run_workers = checks.threads.run_workers(run_workers)

# %% [markdown]
# Python's library has this, too: a **pool** of threads with a `map` of its own. It is what you would use in earnest, now that you know
# what it does.

# %%
with ThreadPoolExecutor(max_workers=8) as pool:
    print(list(pool.map(double, range(8))))
print(run_workers(double, 8))

# %% [markdown]
# ### What a notebook shows of them
# Eight threads count at once, and tell what they count: this is how the book introduces threads. So that none runs ahead, they meet after
# each number at a **barrier**, which lets nobody pass until all eight have come.

# %% tags=["nbval-ignore-output"]
barrier = threading.Barrier(8)


def count_aloud(i):
    for number in range(1, 4):
        print(f"worker {i} counts {number}")
        barrier.wait()


results = run_workers(count_aloud, 8)

# %% [markdown]
# At first they come as they were started, then in any order, and in another one if you run it again. Now and then two texts even stand on
# one line, glued together. Where does the glue come from? **Predict**: how many times does one `print` write?

# %%
my_guess = 1


class Listener:
    """Looks like a screen, and notes down what is written on it."""

    def __init__(self):
        self.pieces = []

    def write(self, text):
        self.pieces.append(text)


listener = Listener()
print("worker A counts 1", file=listener)
print("your guess:", my_guess)
print("written:   ", listener.pieces)

# %% [markdown]
# Twice: the text, then the end of the line. Between the two, another thread can have its turn. We need not wait for that to happen. Let us
# *direct* two workers. A function with `yield` in it is a **generator**: calling it runs nothing yet, and each `next(...)` runs it up to
# its next `yield`, where it stops until we say `next` again.

# %%
def say(text):
    """What print(text) does, step by step."""
    sys.stdout.write(text)
    yield
    sys.stdout.write("\n")
    yield


for order in ("AABB", "ABAB"):
    print(f"in the order {order}:")
    workers = {"A": say("worker A counts 1"), "B": say("worker B counts 1")}
    for name in order:
        next(workers[name])

# %% [markdown]
# In the order ABAB both texts stand on one line, with an empty line after them. Remember this way of looking at threads: **a program of
# small steps, and somebody else chooses whose step comes next.** A text that brings its own end of line, `print(text + "\n", end="")`, is
# written in one step.
#
# A second surprise is *where* a text lands. This thread is started here, but it waits for a signal before it speaks.

# %%
signal = threading.Event()  # a flag that threads can wait for


def speak_late():
    signal.wait()  # until somebody sets the flag
    print("I was started one cell earlier")


thread = threading.Thread(target=speak_late)
thread.start()
print("this cell is done")

# %% tags=["nbval-ignore-output"]
signal.set()
thread.join()

# %% [markdown]
# A notebook puts text under the cell that is running when it arrives (some versions: under the cell that started the thread). Output of a
# run that you started an hour ago may so appear below whatever you are trying out now. It is a good reason to let workers *return* what
# they have to say, or write it to a file.
#
# The book's program lets a second pass between the starts of its workers, so that they set up their games and networks one by one. A pause
# makes a collision unlikely. A signal makes it impossible, and wastes no time:

# %%
def get_ready(i, ready):
    print(f"worker {i} has its game and its network")
    ready.set()


for i in range(8):
    ready = threading.Event()
    threading.Thread(target=get_ready, args=(i, ready)).start()
    ready.wait()  # only then comes the next

# %% [markdown]
# ## 3 · One at a time
# Back to the race at the top. The same measurement as a still picture: time runs to the right, and a worker's row is orange while it
# counts.

# %%
figures.draw_turns(times)
print(f"after {sys.getswitchinterval()} seconds, whoever is running hands over")

# %% [markdown]
# No two rows are orange at the same time. Python's interpreter has one lock for itself, the **global interpreter lock**, or **GIL**:
# whoever wants to take a step in Python must hold it. A thread that runs is asked to hand over after 5 milliseconds (0.005 s), and so they
# take turns. (White gaps in all rows at once: the operating system had given the core to another program.)
#
# Why would anybody build it so? Because it is simple: no two threads can ever be inside the interpreter together and muddle its own
# bookkeeping.
# And because much work needs no interpreter. Code written in C can **let go of the GIL** while it computes, and many libraries do. Whoever
# waits (for a file, a server, another thread) lets go of it, too. **Predict**: eight workers sleep half a second each. When are they all
# awake?

# %%
my_guess = "after 4 seconds"

print("your guess:", my_guess)
start = time.perf_counter()
run_workers(lambda i: time.sleep(0.5), 8)
print(f"all awake after {time.perf_counter() - start:.2f} s")

# %% [markdown]
# They slept at the same time. For the same reason eight downloads in eight threads take little longer than one. Threads are made for
# waiting.
#
# (Since Python 3.13 there are also *free-threaded* builds, without a GIL: PEP 703, below. Few people run them yet, and this course was not
# tested on them.)

# %% [markdown]
# ### Or processes
# A **process** is a program of its own: its own Python, its own GIL, its own memory. Your operating system runs dozens.
#
# | | threads of one process | processes |
# |---|---|---|
# | memory | one for all: what one writes, all see | each its own; what is sent is copied |
# | at work in Python at once | one (the GIL) | as many as there are cores |
# | to start one | a fraction of a millisecond | a second or so: a new Python imports everything |
# | an exception that nobody catches | ends its thread | ends its process |
# | a crash of C code | ends all | ends that one |
# | needs | locks for what is shared | queues, pipes or shared memory for what is to be shared |
#
# (Linux can also *fork* a process: a copy of the running program, ready in milliseconds. But its other threads are not copied, and a lock
# that one of them held stays locked in the copy for ever. So the processes below are *spawned*, as they are on macOS and Windows anyway.)
#
# **Predict**: four threads, then four processes, each with an emulator ready to play. How long does it take to set them up?

# %%
my_guess = "a second each"

print("your guess:", my_guess)
start = time.perf_counter()
four_threads = figures.team("threads", 4)
print(f"four threads:   {time.perf_counter() - start:.2f} s")

start = time.perf_counter()
four_processes = figures.team("processes", 4)
print(f"four processes: {time.perf_counter() - start:.2f} s")

# %% [markdown]
# (The threads spent theirs on setting up the emulators.)
#
# Both are pools. `submit` hands a function to one of its workers, `result` waits for what it returns. Let a thread and a process write a
# word on a page that we hand them (`write_on` appends the word "seen" to a list and returns the list). **Predict**: what is on our page
# afterwards?

# %%
my_guess = "seen, both times"

print("your guess:", my_guess)
for name, pool in (("thread", four_threads), ("process", four_processes)):
    page = []
    returned = pool.submit(figures.write_on, page).result()
    print(f"a {name} returns {returned}, our page reads {page}")

# %% [markdown]
# The thread wrote on our page. The process was sent a *copy*, wrote on that, and sent a copy back. So eight threads share a network just by
# knowing its name, while eight processes have to arrange it.

# %% [markdown]
# ### Three jobs
# Which jobs gain from being done by four workers? Here are three, each to be done four times.

# %%
for job in (figures.count, figures.sort, figures.play):
    print(getsource(job))

# %% [markdown]
# Think of who holds the GIL meanwhile. NumPy lets go of it while it sorts. The emulator's step (`ALEInterface.act`, in C++) does not,
# although it could.
#
# **Predict**, in place of "both": who is faster than one thread alone? `"nobody"`, `"threads"`, `"processes"`, or `"both"`?

# %%
my_guess = {"count": "both", "sort": "both", "play": "both"}

# %% [markdown]
# How to measure it honestly: do the job four times in a row, in four threads, and in four processes; do all of that three times, for on a
# computer there is always something else going on. It can only make you slower, so **the best of the rounds is the truest**. And a
# speed-up is a ratio:
#
# $$\text{speed-up of a way} = \frac{\text{seconds with one thread}}{\text{seconds that way}}$$
#
# 1 is no gain, 2 is twice as fast, 0.5 is twice as slow.

# %% [markdown] exercise="05.2" points=1
# ### Exercise 05.2 · How many times as fast?
# *Difficulty 1 of 5 · 1 point · about 6 minutes*
#
# Write `speedups(seconds)`. `seconds` is a dict: for each way of doing one job a list of measured seconds, one for each round. One of the
# ways is called `"one thread"`. Return a dict with the same ways and, for each, its speed-up over one thread, a float: from the *best*
# round of each, and not rounded.
#
# `speedups({"one thread": [4.0, 3.0], "4 threads": [1.5, 2.5]})` gives `{"one thread": 1.0, "4 threads": 2.0}`.
#
# <details><summary>Hint 1</summary>The best round is the one that took the fewest seconds.</details>
# <details><summary>Hint 2</summary>Find the best of <code>seconds["one thread"]</code> first; every way is compared with that.</details>
# <details><summary>Hint 3</summary>A comprehension: <code>{way: base / min(rounds) for way, rounds in seconds.items()}</code>.</details>

# %% exercise="05.2"
def speedups(seconds):
    """How many times as fast as one thread each way is.

    seconds: dict, way -> list of seconds, one a round; "one thread" is one of the ways.
    Returns a dict, way -> float.
    """
    # SOLUTION BEGIN
    base = min(seconds["one thread"])
    return {way: base / min(rounds) for way, rounds in seconds.items()}
    # SOLUTION END


# %% check="05.2"
speedups = checks.threads.speedups(speedups)

# %% [markdown]
# Now measure. All processes are up and running already, so that we time the work and not the start. (Python's own `map` does one after
# the other, a pool's `map` all at once.)

# %%
ways = {"one thread": map, "4 threads": four_threads.map, "4 processes": four_processes.map}


def measure(job, rounds=3):
    """Seconds for doing a job four times, each way: {way: [one number a round]}."""
    seconds = {way: [] for way in ways}
    for _ in range(rounds):
        for way, do_all in ways.items():
            start = time.perf_counter()
            list(do_all(job, range(4)))
            seconds[way].append(time.perf_counter() - start)
    return seconds


measured = {job.__name__: measure(job) for job in (figures.count, figures.sort, figures.play)}

# %%
measured["vector"] = figures.measure_vector()  # what is this? see below
figures.draw_speedups({job: speedups(seconds) for job, seconds in measured.items()}, my_guess, figures.num_cores())

# %% [markdown]
# What to see on a machine that has nothing else to do (if it has, the picture says so; run both cells again when it is quiet):
#
# - **Counting**: threads gain nothing, they take turns with one GIL. Processes do gain.
# - **Sorting**: both gain, for NumPy lets go of the GIL.
# - **Breakout**: processes gain. Threads hardly do: the emulator keeps the GIL while it plays.
#
# With $c$ cores a gaining bar ends near the smaller of $c$ and 4: near 2 on two cores, near 4 on eight; well short of it, in counting
# most of all, where two "cores" are the two halves of one. With one core none of these jobs gains, whatever you do.
#
# And the fourth job? That is Breakout again, four games in a `VectorBreakout`, with which this course trains its DQN. ale-py has threads of
# its own for that, in C++, and *there* nobody needs the GIL. **It is not the threads that are slow. It is the lock that they hold.**

# %%
four_processes.shutdown()  # each of them holds a Python of its own in memory
four_threads.shutdown()

# %% [markdown]
# So what about A3C? Its workers play (with the GIL), and compute gradients (PyTorch and TensorFlow let go of it, mostly). Threads are the
# simple way: one network, shared by knowing its name. Processes are the fast way, and the network must be put into shared memory.
# Lesson 06 teaches with threads. How much faster processes are on *your* machine, this command measures:
#
# `python benchmarks/a3c_speed.py`

# %% [markdown]
# ## 4 · Shared, and lost
# Eight workers play and add what they earn to one number. Can anything go wrong with an addition?

# %%
class Counter:
    """A number that many workers know."""

    def __init__(self):
        self.value = 0


def add_many(counter, times):
    for _ in range(times):
        counter.value = counter.value + 1

# %% [markdown]
# **Predict**: eight threads add 1, 200,000 times each. What does the counter hold, 1,600,000 or less?

# %%
my_guess = "less"

counter = Counter()
run_workers(lambda i: add_many(counter, 200_000), 8)
print(f"you guessed {my_guess}; the counter holds {counter.value:,}")

# %% [markdown]
# Nothing is lost. Does that prove the code sound? Change it in a way that should not matter: let a function do the adding.

# %% tags=["nbval-ignore-output"]
def plus_one(number):
    return number + 1


def add_many_politely(counter, times):
    for _ in range(times):
        counter.value = plus_one(counter.value)


counter = Counter()
run_workers(lambda i: add_many_politely(counter, 200_000), 8)
print(f"1,600,000 additions, and the counter holds {counter.value:,}")

# %% [markdown]
# Many of them are gone, and if you run it again, a different number of them. (None at all? That was luck; run it again.) What *is* an
# addition? Python's disassembler lists the steps of a function; here are the three that matter:

# %%
def add_one(counter):
    counter.value += 1


steps = [step.opname for step in dis.get_instructions(add_one)]
print([step for step in steps if step in ("LOAD_ATTR", "BINARY_OP", "STORE_ATTR")])

# %% [markdown]
# **Read** the attribute, **add**, **write** it back: `+=` on an attribute is three steps, not one. It is not *atomic*. If another worker
# writes between my reading and my writing, I overwrite what it wrote, for I do not know of it.
#
# Then why was nothing lost at first? Whoever holds the GIL looks up only at certain places to see whether the 5 ms are over: at the end of
# a loop's round, and where a function is called. In `counter.value + 1` there is no such place, by accident; in `plus_one(...)` there is.
# Python 3.9 still looked up more often, and there the first loop lost its additions, too. The next version may look elsewhere again, and a
# free-threaded build has no such mercy at all.
#
# **A test that hopes for bad luck proves nothing when it passes.** So let us stop hoping.

# %% [markdown]
# ### You are the scheduler
# Here is the addition as a program in three steps, and `play`, which lets two workers take steps in the order that you write down.

# %%
def addition(counter):
    """Adds 1, and stops after each step to say what it has done."""
    value = counter.value
    yield f"reads {value}"
    value = value + 1
    yield f"adds: {value}"
    counter.value = value
    yield f"writes {value}"


def play(order, program):
    """Two workers, A and B; whose letter comes next takes the next step. A list of (who, what, counter afterwards)."""
    counter = Counter()
    workers = {"A": program(counter), "B": program(counter)}
    return [(name, next(workers[name]), counter.value) for name in order]

# %% [markdown]
# Two additions, so the counter should end at 2. **Find an order in which one is lost**: three As and three Bs, in place of `"AAABBB"`.
# The picture shows the steps from left to right, A's above, B's below, and under each step what the counter holds after it.

# %%
my_order = "AAABBB"

figures.show_order(my_order, lambda order: play(order, addition))

# %% [markdown]
# Found one? There are 20 orders of three As and three Bs. **Predict**: in how many of them is an addition lost?

# %%
my_guess = 5

orders = sorted({"".join(letters) for letters in permutations("AAABBB")})
finals = {order: play(order, addition)[-1][2] for order in orders}
print(f"you guessed {my_guess}; of {len(orders)} orders, {sum(final == 1 for final in finals.values())} lose an addition")
figures.draw_orders(finals)

# %% [markdown]
# Only the two in which one worker is through before the other begins (green, top left) are sound. As soon as both have read before either
# has written, one addition is gone. For instance:

# %%
figures.show_order("AABBBA", lambda order: play(order, addition))

# %% [markdown]
# A has read 0 and added. Then B comes, reads 0 too, adds, writes 1. Then A writes *its* 1 over B's. Two additions, and the counter says 1.

# %% [markdown]
# ### With real threads, every time
# The same with two real threads and a **baton**. The first worker reads, hands the baton over, and writes when it has it back. No luck, no
# pauses: 100 rounds.

# %%
def lose_one(counter):
    """Two threads add 1 each; the second does so between the first one's reading and writing."""
    has_read, has_written = threading.Event(), threading.Event()

    def first():
        value = counter.value
        has_read.set()  # the baton goes over
        has_written.wait()  # and comes back
        counter.value = value + 1

    def second():
        has_read.wait()
        counter.value = counter.value + 1
        has_written.set()

    run_workers(lambda i: (first, second)[i](), 2)


counter = Counter()
for _ in range(100):
    lose_one(counter)
print("200 additions, and the counter holds", counter.value)

# %% [markdown]
# In A3C the number is a network with its hundreds of thousands of weights, and what is lost is what a worker has learned.

# %% [markdown]
# ### A lock
# What we want to say is: *while I am between reading and writing, nobody else may be.* A **lock** says it. One worker can hold it at a
# time; `with lock:` waits until it is free, takes it, and gives it back at the end of the block, even if an exception ends the block.

# %%
def locked_addition(lock):
    """The program from above, with a lock around reading and writing."""

    def program(counter):
        while not lock.acquire(blocking=False):  # take it, if it is free
            yield "waits"
        value = counter.value
        yield f"reads {value}"
        value = value + 1
        yield f"adds: {value}"
        counter.value = value
        lock.release()  # give it back
        yield f"writes {value}"

    return program


figures.draw_story(play("ABABABBB", locked_addition(threading.Lock())))

# %% [markdown]
# A and B take turns, but as long as A holds the lock, B's turns are spent waiting (grey). Then B reads 1, not 0, and the counter ends at 2.
#
# Waiting is the price. So: hold a lock **from the reading to the writing, and for nothing else**. Three ways to spoil it:
#
# | the mistake | what happens |
# |---|---|
# | around the writing alone, or the reading alone | the gap between them is as open as before |
# | around everything, playing included | right sums, but only one worker plays at a time: why have eight? |
# | a lock for each worker | everybody locks a door of their own, and all meet inside |

# %% [markdown] exercise="05.3" points=3
# ### Exercise 05.3 · Add under a lock
# *Difficulty 3 of 5 · 3 points · about 12 minutes*
#
# Write what each worker does, `add_rewards(counter, lock, act, steps)`. Call `act()` `steps` times; it plays one step, which takes a while,
# and returns the reward. All rewards must end up in `counter.value`. Every worker is given the same `counter` and the same
# `lock`, and no addition may get lost, whatever order their steps come in. While one worker plays, the others must be able to play, too.
#
# With rewards 1, 0 and 4, and `counter.value` at 10 before, the counter holds 15 afterwards (or more, if others have added meanwhile). The
# function returns nothing.
#
# <details><summary>Hint 1</summary>What do the workers share? The counter; nothing else. Playing needs no lock.</details>
# <details><summary>Hint 2</summary><code>counter.value += act()</code> reads, plays, and then writes. Put the reward into a name of its own
# first.</details>
# <details><summary>Hint 3</summary>For each step: <code>reward = act()</code>, and then, under <code>with lock:</code>, the one line that
# reads and writes the counter.</details>

# %% exercise="05.3"
def add_rewards(counter, lock, act, steps):
    """One worker's part: play some steps, and add each reward to a counter that is shared with others.

    counter: has an attribute `value`; lock: the threading.Lock of all who add to it; act: plays a step, returns the reward.
    """
    # SOLUTION BEGIN
    for _ in range(steps):
        reward = act()
        with lock:
            counter.value += reward
    # SOLUTION END


# %% check="05.3"
add_rewards = checks.threads.add_rewards(add_rewards)

# %% [markdown]
# That check did not hope either: whenever your worker had read, not yet written, and did not hold the lock, it let a second worker come in
# and add. Now the experiment that lost so many additions, a tenth as long, with your function:

# %%
counter, lock = Counter(), threading.Lock()
run_workers(lambda i: add_rewards(counter, lock, lambda: plus_one(0), 20_000), 8)
print(f"160,000 additions, and the counter holds {counter.value:,}")

# %% [markdown]
# One more word on A3C, because you will meet it: the paper that introduced it puts *no* lock on the shared network, and lives with a lost
# push now and then (in the manner of *Hogwild!*, see below). A network forgives a little noise; a score does not. Whoever leaves a lock
# out should know what may be lost.

# %% [markdown]
# ## 5 · When a worker fails
# Emulators break, memory runs out, code has mistakes. **Predict**: worker 0 raises an exception, and we wait for it inside a `try`. Which
# line is printed, "caught" or "all is well"? (`last_words` prints what Python would write to the error channel, in one line.)

# %%
my_guess = "caught"


def unlucky():
    raise ValueError("worker 0 lost its game")


thread = threading.Thread(target=unlucky)
with figures.last_words():
    try:
        thread.start()
        thread.join()
        print("all is well")
    except ValueError:
        print("caught")

# %% [markdown]
# All is well, it says. An exception climbs from each function to the one that called it, and a thread's first function was called by none
# of ours: there the climb ends. Python prints the exception, the thread is gone, and the caller never knows. In an overnight run the only
# sign is that it learns a little more slowly; or not even that.
#
# It gets worse if others wait for the one that is gone. Here worker 1 and worker 2 wait for news from worker 0. (`join(timeout=...)` gives
# up after some seconds; `is_alive` tells whether a thread still runs.)

# %%
news = threading.Event()


def unlucky_messenger():
    unlucky()
    news.set()


threads = [threading.Thread(target=work) for work in (unlucky_messenger, news.wait, news.wait)]
with figures.last_words():
    for thread in threads:
        thread.start()
    threads[0].join()
    threads[1].join(timeout=0.5)
print("still running:", [thread.is_alive() for thread in threads])
news.set()  # so that they go home after all

# %% [markdown]
# Without our `news.set()` in the last line they would wait for ever, and so would a caller that joins them: it hangs, and whoever looks at
# it sees nothing but a program that does nothing. Three things mend that.
#
# 1. **Catch** the exception where it happens, in the worker's own thread, and keep it.
# 2. **Tell the others** at once: set an `Event`, `stop`, that all workers look at from time to time.
# 3. **Raise** it again in the caller when all are home: that very object. It carries its *traceback*, the line in which it happened.

# %%
def keep(kept):
    try:
        unlucky()
    except Exception as error:
        kept.append(error)


kept = []
thread = threading.Thread(target=keep, args=(kept,))
thread.start()
thread.join()
try:
    raise kept[0]
except ValueError as error:
    print("caught:", error)
    print("it happened in:", traceback.extract_tb(error.__traceback__)[-1].name)

# %% [markdown] exercise="05.4" points=4
# ### Exercise 05.4 · Bring it home
# *Difficulty 4 of 5 · 4 points · about 18 minutes*
#
# Write `run_or_raise(work, num_workers)`, your `run_workers` for workers that may fail. It calls `work(i, stop)` with `stop` one
# `threading.Event` for all; a worker comes home soon after `stop` is set, and may wait for others until then.
#
# - If all goes well, it returns the results in the order of the workers, and never sets `stop` before they are done.
# - If a worker raises an exception, `stop` is set at once, and `run_or_raise` raises **that exception**, with its traceback. If several
#   workers raise one, the first counts: the others may have failed *because* they were stopped.
#
# If `work(2, stop)` raises `ValueError("no game")` while the other three do `stop.wait()`, then `run_or_raise(work, 4)` raises
# `ValueError("no game")`, without delay.
#
# <details><summary>Hint 1</summary>Start from 05.1. The function that stores the result gets a <code>try</code> around its one
# line.</details>
# <details><summary>Hint 2</summary>Who sets <code>stop</code>? Not the caller after its joins: it would never get past them. The worker
# that fails does, in its <code>except</code>.</details>
# <details><summary>Hint 3</summary>In <code>except Exception as error:</code> first <code>errors.append(error)</code>, then
# <code>stop.set()</code>. After all joins: <code>if errors: raise errors[0]</code>.</details>

# %% exercise="05.4"
def run_or_raise(work, num_workers):
    """Call work(0, stop) ... work(num_workers - 1, stop), each in a thread of its own; `stop` is a threading.Event for all.

    Returns their results in the order of the workers. If a worker fails, sets `stop` and raises the first exception.
    """
    # SOLUTION BEGIN
    stop, results, errors = threading.Event(), [None] * num_workers, []

    def store(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=store, args=(i,)) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
    # SOLUTION END


# %% check="05.4"
run_or_raise = checks.threads.run_or_raise(run_or_raise)

# %%
def team_work(i, stop):
    if i == 0:
        unlucky()
    stop.wait()  # the others wait for worker 0


try:
    run_or_raise(team_work, 3)
except ValueError as error:
    print("the caller knows:", error)

# %% [markdown]
# ## 6 · Eight players
# All of it together: eight threads, a game of Breakout each; one counter for the rewards of all; a lock around it; and if one fails, all
# come home. What is missing for A3C is only that they learn.

# %%
scores, lock = Counter(), threading.Lock()


def player(i, stop):
    """Plays 120 steps at random; returns the screens."""
    env, rng, film = Breakout(), np.random.default_rng(i), []
    env.reset(seed=i)

    def act():
        _, reward, terminated, _, _ = env.step(rng.integers(3))
        film.append(env.render())
        if terminated:
            env.reset()
        return reward

    while len(film) < 120 and not stop.is_set():
        add_rewards(scores, lock, act, steps=10)
    return film


films = run_or_raise(player, 8)
print("points of all eight:", int(scores.value))

# %% [markdown]
# **Predict**: the threads took turns in an order that nobody chose. Would it have been another sum, had they played one after the other?

# %%
my_guess = "another one"

together = scores.value
for i in range(8):
    player(i, threading.Event())
print(f"you guessed {my_guess}; the same sum: {scores.value - together == together}")

# %% [markdown]
# The same: each worker has its own game and its own random generator, and no addition was lost. Luck chooses the order of their steps, and
# nothing depends on it. Here they are:

# %%
figures.show_films(films)

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold.
#
# **1.** Four threads look for the primes below a million in a Python loop, a quarter of the numbers each, on four cores. How much sooner
# are they done than one thread?
# <details><summary>Answer</summary>Not at all, four cores or not: the loop needs the GIL, so they take turns. Four processes would gain, and
# little has to be sent: where to begin and where to end.</details>
#
# **2.** A colleague's eight workers print the right results, but the program takes as long as one worker that does it all, even though
# they do nothing but wait for a web server. You find <code>thread.run()</code>. What does it do?
# <details><summary>Answer</summary>The work, in the caller's own thread, one worker after another. <code>start()</code> is what makes a
# thread. (Waiting lets go of the GIL, so eight threads would have helped.)</details>
#
# **3.** "I ran it a thousand times and the counter was right each time; it needs no lock." What do you reply?
# <details><summary>Answer</summary>A thousand runs show that today's interpreter happens not to switch between its reading and its writing,
# not that it cannot. Bring a baton that makes it switch there, and see.</details>
#
# **4.** `with threading.Lock(): counter.value += 1`. What is wrong?
# <details><summary>Answer</summary>It looks locked, but each call makes a new lock, for which nobody else ever waits. All must take the
# <em>same</em> one.</details>
#
# **5.** One of eight actor-learners raises an exception, and the training goes on with seven. Why is that worse than a crash?
# <details><summary>Answer</summary>Nobody knows of it. Seven go on, so it looks as if little was lost; but the curve is a little slower,
# the mistake stays, and whoever waits for the dead worker waits for ever. A crash tells you where to look.</details>

# %% [markdown]
# ## What to try next
# 1. **Ten times as eager to switch**: `sys.setswitchinterval(0.0005)`, then `figures.draw_turns(figures.race())`; put back 0.005
#    afterwards. *Expect*: many more turns, each much shorter, still one at a time, and all in all no sooner.
# 2. **Too small a job**: `pool = figures.team("processes", 4)`, then time 1,000 times `pool.submit(figures.write_on, []).result()` against
#    1,000 plain calls `figures.write_on([])`, and `pool.shutdown()`. *Expect*: thousands of times slower. Sending is dear, so send few and
#    large jobs. (A function that you write in the notebook cannot be sent at all: the process imports it by name, and finds no module
#    that has it.)
# 3. **Two locks**: worker A takes lock 1, then lock 2, adds, and gives both back; worker B takes lock 2 first, then lock 1. Write both as
#    generators like the one in `locked_addition`, and call `next` on them in turns. *Expect*: each waits for the other for ever, a
#    *deadlock*. If both take lock 1 first, it cannot happen.
#
# ## References
# - Python's documentation: [threading](https://docs.python.org/3/library/threading.html),
#   [concurrent.futures](https://docs.python.org/3/library/concurrent.futures.html), and the
#   [global interpreter lock](https://docs.python.org/3/glossary.html#term-global-interpreter-lock).
# - Beazley: [Understanding the Python GIL](https://www.dabeaz.com/python/UnderstandingGIL.pdf). 2010. Pictures like the one in section 3.
# - Gross: [PEP 703, Making the global interpreter lock optional in CPython](https://peps.python.org/pep-0703/). 2023.
# - Mnih et al.: [Asynchronous methods for deep reinforcement learning](https://arxiv.org/abs/1602.01783). ICML 2016. A3C.
# - Recht, Ré, Wright, Niu: [Hogwild!: A lock-free approach to parallelizing stochastic gradient
#   descent](https://arxiv.org/abs/1106.5730). NIPS 2011.
#
# **Next**: [06 · A3C](06_a3c.ipynb).
