"""Wrong answers to lesson 00."""

import numpy as np

from tests.mutants import mutant


@mutant("00.1", says="both give 5: read the number from the info")
def five_typed_in(env):
    env.reset(seed=0)
    return 5


@mutant("00.1", says="both give 3: read the number")
def the_example_typed_in(env):
    return 3


@mutant("00.1", says="you returned both")
def all_that_reset_gives(env):
    return env.reset(seed=0)


@mutant("00.1", says="you returned the whole of info")
def the_whole_info(env):
    return env.reset(seed=0)[1]


@mutant("00.1", says="you returned the observation")
def the_screen(env):
    return env.reset(seed=0)[0]


@mutant("00.1", says="before counting")
def counted_after_a_step(env):
    env.reset(seed=0)
    return env.step(0)[4]["lives"]


@mutant("00.1", says="must give the int 3; yours gives '3'")
def a_text(env):
    return str(env.reset(seed=0)[1]["lives"])


@mutant("00.1", says="must give the int 3; yours gives True")
def whether_there_are_lives(env):
    return env.reset(seed=0)[1]["lives"] > 0


@mutant("00.1", says="must give the int 3; yours gives something of type object")
def something_strange(env):
    return object()


@mutant("00.1", says="yours gives None: end the function with return")
def nothing_returned(env):
    print(env.reset(seed=0)[1]["lives"], end="\r")


@mutant("00.1", says="yours called env.reset()")
def reset_without_the_seed(env):
    return env.reset()[1]["lives"]


@mutant("00.1", says="yours called env.reset(seed=0), then env.reset()")
def reset_twice(env):
    env.reset(seed=0)
    return env.reset()[1]["lives"]


@mutant("00.1", says="yours give 4 and 8")
def counted_the_ball_in_play(env):
    return env.reset(seed=0)[1]["lives"] + 1


@mutant("00.1", says="your code raised KeyError")
def misspelt_key(env):
    return env.reset(seed=0)[1]["life"]


@mutant("00.2", says="columns grow to the right, so the answer is 1 (right)")
def left_and_right_swapped(ball, paddle):
    if ball is None or abs(ball - paddle) <= 5:
        return 0
    return 2 if ball > paddle else 1


@mutant("00.2", says="you used the emulator's numbers")
def the_emulators_numbers(ball, paddle):
    if ball is None or abs(ball - paddle) <= 5:
        return 0
    return 2 if ball > paddle else 3


@mutant("00.2", says="chase(60.0, 60.0) must give 0 (stay); yours gives 2 (left): it is right below the ball")
def never_stays(ball, paddle):
    if ball is None:
        return 0
    return 1 if ball > paddle else 2


@mutant("00.2", says="only 2 columns away: stay, or it overshoots")
def stays_only_exactly_below(ball, paddle):
    if ball is None or ball == paddle:
        return 0
    return 1 if ball > paddle else 2


@mutant("00.2", says="chase(57.5, 60.0) must give 0 (stay); yours gives 2 (left): the ball is only 2.5 columns away")
def forgets_the_size_of_a_negative_distance(ball, paddle):
    if ball is None or 0 <= ball - paddle <= 5:
        return 0
    return 1 if ball > paddle else 2


@mutant("00.2", says="chase(20.0, 60.0) must give 2 (left); yours gives 0 (stay)")
def stays_for_every_negative_distance(ball, paddle):
    if ball is None or ball - paddle <= 5:
        return 0
    return 1 if ball > paddle else 2


@mutant("00.2", says="5 columns away is still near enough")
def less_than_instead_of_at_most(ball, paddle):
    if ball is None or abs(ball - paddle) < 5:
        return 0
    return 1 if ball > paddle else 2


@mutant("00.2", says="6 columns are more than 5")
def stays_too_often(ball, paddle):
    if ball is None or abs(ball - paddle) < 9:
        return 0
    return 1 if ball > paddle else 2


@mutant("00.2", says="must give 1 (right); yours gives 0 (stay): the ball is far to the right")
def always_stays(ball, paddle):
    return 0


@mutant("00.2", says="not with a fixed column")
def compares_with_the_middle(ball, paddle):
    if ball is None or abs(ball - 60) <= 5:
        return 0
    return 1 if ball > 60 else 2


@mutant("00.2", says="chase(0.0, 60.0) must give 2 (left); yours gives 0 (stay): column 0 is a real column, but 0.0 counts as False")
def takes_column_0_for_no_ball(ball, paddle):
    if not ball or abs(ball - paddle) <= 5:
        return 0
    return 1 if ball > paddle else 2


@mutant("00.2", says="ask `ball is None` first")
def forgets_that_the_ball_may_be_hidden(ball, paddle):
    if abs(ball - paddle) <= 5:
        return 0
    return 1 if ball > paddle else 2


@mutant("00.2", says="ball=None, no ball to be seen, must give 0 (stay); yours gives 1 (right)")
def moves_without_a_ball(ball, paddle):
    if ball is None:
        return 1
    return 0 if abs(ball - paddle) <= 5 else 1 if ball > paddle else 2


@mutant("00.2", says="yours gives the word 'right'")
def words(ball, paddle):
    if ball is None or abs(ball - paddle) <= 5:
        return "stay"
    return "right" if ball > paddle else "left"


@mutant("00.2", says="every way through the function must end in return")
def forgets_a_return(ball, paddle):
    if ball is not None and ball - paddle > 5:
        return 1
    if ball is not None and paddle - ball > 5:
        return 2


@mutant("00.2", says="must give the int 0, 1 or 2; yours gives True")
def true_for_right(ball, paddle):
    return ball is not None and ball > paddle


@mutant("00.2", says="must give the int 0, 1 or 2; yours gives 1.0")
def a_float(ball, paddle):
    return float(np.sign(ball - paddle))


@mutant("00.2", says="must give the int 0, 1 or 2; yours gives something of type ndarray")
def an_array(ball, paddle):
    return np.array([1])


@mutant("00.2", says="chase(100.0, 60.0) must give 1 (right); yours gives 7 (no such action)")
def a_number_that_is_no_action(ball, paddle):
    return 7
