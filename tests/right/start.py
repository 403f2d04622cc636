"""Right answers to lesson 00 in other styles."""

import numpy as np

from tests.right import right

# --- 00.1 -----------------------------------------------------------------------------------------------------------------------------


@right("00.1")
def one_line(env):
    return env.reset(seed=0)[1]["lives"]


@right("00.1")
def unpacked_with_a_star(env):
    *_, info = env.reset(seed=0)
    lives = info.get("lives", 0)
    return int(lives)


@right("00.1")
def a_number_of_numpy(env):
    screen, info = env.reset(seed=0, options=None)
    assert screen is not None
    return np.int64(info["lives"])


# --- 00.2 -----------------------------------------------------------------------------------------------------------------------------


@right("00.2")
def a_chain_of_ifs(ball, paddle):
    action = 0
    if ball is not None:
        if ball > paddle + 5:
            action = 1
        elif ball < paddle - 5:
            action = 2
    return action


@right("00.2")
def sums_of_comparisons(ball, paddle):
    if ball is None:
        return 0
    distance = ball - paddle
    return (distance > 5) + 2 * (distance < -5)


@right("00.2")
def looked_up_by_sign(ball, paddle):
    distance = 0 if ball is None else ball - paddle
    if -5 <= distance <= 5:
        return 0
    return {1: 1, -1: 2}[int(np.sign(distance))]


@right("00.2")
def an_error_caught(ball, paddle):
    try:
        distance = ball - paddle
    except TypeError:
        return 0
    if np.abs(distance) <= 5:
        return np.int64(0)
    return np.argmax([0, distance, -distance])


@right("00.2")
def one_case_after_the_other(ball, paddle):
    match ball:
        case None:
            return 0
        case _ if ball - paddle > 5:
            return 1
        case _ if paddle - ball > 5:
            return 2
    return 0
