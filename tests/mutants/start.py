"""Wrong answers to lesson 00."""

from tests.mutants import mutant


@mutant("00.1", says="instead of typing Breakout's number")
def five_typed_in(env):
    env.reset(seed=0)
    return 5


@mutant("00.1", says="you returned both")
def all_that_reset_gives(env):
    return env.reset(seed=0)


@mutant("00.1", says="you returned the whole of info")
def the_whole_info(env):
    return env.reset(seed=0)[1]


@mutant("00.1", says="before counting")
def counted_after_a_step(env):
    env.reset(seed=0)
    return env.step(0)[4]["lives"]


@mutant("00.1", says="must give the int 3; yours gives '3'")
def a_text(env):
    return str(env.reset(seed=0)[1]["lives"])


@mutant("00.1", says="yours used seed=None")
def reset_without_the_seed(env):
    return env.reset()[1]["lives"]


@mutant("00.1", says="your code raised KeyError")
def misspelt_key(env):
    return env.reset(seed=0)[1]["life"]
