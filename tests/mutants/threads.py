"""Wrong answers to lesson 05."""

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Thread

import numpy as np

from tests.mutants import mutant


def start_and_wait(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- 05.1 -----------------------------------------------------------------------------------------------------------------------------


@mutant("05.1", says="`run()` only does a thread's work on the spot; `start()` makes it a thread")
def run_instead_of_start(work, num_workers):
    results = [None] * num_workers

    def store(i):
        results[i] = work(i)

    threads = [Thread(target=store, args=(i,)) for i in range(num_workers)]
    for thread in threads:
        thread.run()
    return results


@mutant("05.1", says="ran in the caller's own thread, before any other was there: `work(i)` with brackets calls it on the spot")
def calls_the_target(work, num_workers):
    threads = [Thread(target=work(i)) for i in range(num_workers)]
    start_and_wait(threads)


@mutant("05.1", says="with brackets calls it on the spot")
def no_threads_at_all(work, num_workers):
    return [work(i) for i in range(num_workers)]


@mutant("05.1", says="all 8 workers did the work of worker 7: a function that looks up the loop variable finds what it holds by then")
def closes_over_the_loop_variable(work, num_workers):
    results, threads = [None] * num_workers, []
    for i in range(num_workers):

        def store():
            results[i] = work(i)

        threads.append(Thread(target=store))
    start_and_wait(threads)
    return results


@mutant("05.1", says="all 8 workers did the work of worker 7")
def starts_lambdas_at_once(work, num_workers):
    results, threads = {}, []
    for i in range(num_workers):
        threads.append(Thread(target=lambda: results.update({i: work(i)})))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return list(results.values())


@mutant("05.1", says="it returned while 8 of the 8 workers were still at work: wait for every one of them with `join()`")
def no_join(work, num_workers):
    results = [None] * num_workers

    def store(i):
        results[i] = work(i)

    for i in range(num_workers):
        Thread(target=store, args=(i,)).start()
    return results


@mutant("05.1", says="it returned while 7 of the 8 workers were still at work")
def joins_the_last_alone(work, num_workers):
    results = [None] * num_workers

    def store(i):
        results[i] = work(i)

    for i in range(num_workers):
        thread = Thread(target=store, args=(i,))
        thread.start()
    thread.join()
    return results


@mutant("05.1", says="it returned while 8 of the 8 workers were still at work")
def gives_up_soon(work, num_workers):
    results = [None] * num_workers

    def store(i):
        results[i] = work(i)

    threads = [Thread(target=store, args=(i,)) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=0.01)
    return results


@mutant("05.1", says="`start()` returns None, and that is what you kept")
def keeps_what_start_returns(work, num_workers):
    threads = [Thread(target=work, args=(i,)).start() for i in range(num_workers)]
    for thread in threads:
        thread.join()


RESULTS = []


@mutant("05.1", says="a list that outlives the call keeps those of the last one")
def one_list_for_all_calls(work, num_workers):
    start_and_wait([Thread(target=lambda number: RESULTS.append((number, work(number))), args=(i,)) for i in range(num_workers)])
    return [result for _, result in sorted(RESULTS)]


@mutant("05.1", says="it waits for worker 0 before it starts worker 1")
def starts_and_joins_in_one_loop(work, num_workers):
    results = []
    for i in range(num_workers):
        thread = Thread(target=lambda number: results.append(work(number)), args=(i,))
        thread.start()
        thread.join()
    return results


@mutant("05.1", says="that is the order in which they ended; give worker i's result the place i")
def in_the_order_of_their_end(work, num_workers):
    results = []
    start_and_wait([Thread(target=lambda number: results.append(work(number)), args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.1", says="that is the order in which they ended")
def pool_in_the_order_of_their_end(work, num_workers):
    with ThreadPoolExecutor(num_workers) as pool:
        return [future.result() for future in as_completed([pool.submit(work, i) for i in range(num_workers)])]


@mutant("05.1", says="yours returns [None, None, None, None, None, None, None, None]: a thread throws away what its function returns")
def results_thrown_away(work, num_workers):
    results = [None] * num_workers
    start_and_wait([Thread(target=work, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.1", says="never more than 4 of the 8 workers were at work at the same time: give each worker a thread of its own")
def a_pool_of_four(work, num_workers):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(work, range(num_workers)))


@mutant("05.1", says="never more than 1 of the 8 workers were at work at the same time: something keeps the others out")
def a_lock_around_the_work(work, num_workers):
    results, lock = [None] * num_workers, threading.Lock()

    def store(i):
        with lock:
            results[i] = work(i)

    start_and_wait([Thread(target=store, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.1", says="8 workers were asked for; `work` was called 4 times: let `num_workers` say how many")
def always_four(work, num_workers):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(work, range(4)))


@mutant("05.1", says="3 workers were asked for; `work` was called 8 times")
def always_eight(work, num_workers):
    results = [None] * 8

    def store(i):
        results[i] = work(i)

    start_and_wait([Thread(target=store, args=(i,)) for i in range(8)])
    return results


@mutant("05.1", says="the workers are called 0 to 7; yours were called 1, 2, 3, 4, 5, 6, 7, 8")
def counts_from_one(work, num_workers):
    with ThreadPoolExecutor(num_workers) as pool:
        return list(pool.map(work, range(1, num_workers + 1)))


@mutant("05.1", says="returns the threads")
def returns_threads(work, num_workers):
    threads = [Thread(target=work, args=(i,)) for i in range(num_workers)]
    start_and_wait(threads)
    return threads


@mutant("05.1", says="returns futures")
def returns_futures(work, num_workers):
    with ThreadPoolExecutor(num_workers) as pool:
        return [pool.submit(work, i) for i in range(num_workers)]


@mutant("05.1", says="returns nothing: it must end with `return`")
def returns_nothing(work, num_workers):
    start_and_wait([Thread(target=work, args=(i,)) for i in range(num_workers)])


@mutant("05.1", says="must return a list of 8 results; yours is a dict")
def returns_a_dict(work, num_workers):
    results = {}
    start_and_wait([Thread(target=lambda number: results.update({number: work(number)}), args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.1", says="no worker ever called `work`: a thread works once `start()` is called")
def never_started(work, num_workers):
    threads = [Thread(target=work, args=(i,)) for i in range(num_workers)]
    return [None for _ in threads]


@mutant("05.1", says="no worker ever called `work`: its thread ended with TypeError")
def arguments_without_a_comma(work, num_workers):
    threads = [Thread(target=work, args=(i)) for i in range(num_workers)]
    start_and_wait(threads)


@mutant("05.1", says="its thread then ended in an error: its thread ended with IndexError")
def stores_where_no_place_is(work, num_workers):
    results = []

    def store(i):
        results[i] = work(i)

    start_and_wait([Thread(target=store, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.1", says="still it has not returned after 8 s: what is it waiting for?", name="waits_for_nobody")
def waits_for_nobody(work, num_workers):
    with ThreadPoolExecutor(num_workers) as pool:
        results = list(pool.map(work, range(num_workers)))
    threading.Event().wait()
    return results


# --- 05.2 -----------------------------------------------------------------------------------------------------------------------------


@mutant("05.2", says="must be 3.6; yours is 0.278: upside down")
def upside_down(seconds):
    return {way: min(rounds) / min(seconds["one thread"]) for way, rounds in seconds.items()}


@mutant("05.2", says="from the means: other programs can only add seconds")
def of_means(seconds):
    return {way: np.mean(seconds["one thread"]) / np.mean(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="from the slowest rounds")
def of_slowest(seconds):
    return {way: max(seconds["one thread"]) / max(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="one thread's slowest round against the others' best")
def slowest_against_best(seconds):
    return {way: max(seconds["one thread"]) / min(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="one thread's first round against the others' best")
def first_against_best(seconds):
    return {way: seconds["one thread"][0] / min(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="one thread's mean against the others' best")
def mean_against_best(seconds):
    return {way: np.mean(seconds["one thread"]) / min(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="one thread's best against the others' slowest rounds")
def best_against_slowest(seconds):
    return {way: min(seconds["one thread"]) / max(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="one thread's best against the others' means")
def best_against_means(seconds):
    return {way: min(seconds["one thread"]) / np.mean(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="must be 0.9375; yours is 0.94: rounded")
def rounded_to_two_places(seconds):
    return {way: round(min(seconds["one thread"]) / min(rounds), 2) for way, rounds in seconds.items()}


@mutant("05.2", says="it changes the seconds that it is given")
def writes_into_the_seconds(seconds):
    for way in seconds:
        seconds[way] = min(seconds["one thread"]) / min(seconds[way])
    return seconds


@mutant("05.2", says="from the first round alone")
def of_first_round(seconds):
    return {way: seconds["one thread"][0] / rounds[0] for way, rounds in seconds.items()}


@mutant("05.2", says="the best ratio of a round")
def best_ratio(seconds):
    return {way: max(a / b for a, b in zip(seconds["one thread"], rounds)) for way, rounds in seconds.items()}


@mutant("05.2", says="compared with the first way in the dict")
def against_the_first_key(seconds):
    base = min(next(iter(seconds.values())))
    return {way: base / min(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="a difference: divide")
def difference(seconds):
    return {way: min(seconds["one thread"]) - min(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="in percent")
def percent(seconds):
    return {way: 100 * min(seconds["one thread"]) / min(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="one too little: twice as fast is 2, not 1")
def gain_only(seconds):
    return {way: min(seconds["one thread"]) / min(rounds) - 1 for way, rounds in seconds.items()}


@mutant("05.2", says="every way does the same work in all")
def times_the_workers(seconds):
    return {way: 4 * min(seconds["one thread"]) / min(rounds) for way, rounds in seconds.items()}


@mutant("05.2", says="that is the gain of each, not of all")
def efficiency(seconds):
    return {way: min(seconds["one thread"]) / min(rounds) / 4 for way, rounds in seconds.items()}


@mutant("05.2", says="must be 3.6; yours is 4.0: rounded")
def rounded(seconds):
    return {way: round(min(seconds["one thread"]) / min(rounds)) for way, rounds in seconds.items()}


@mutant("05.2", says="the result has no one thread: every way of `seconds` gets a number")
def without_the_base(seconds):
    return {way: min(seconds["one thread"]) / min(rounds) for way, rounds in seconds.items() if way != "one thread"}


@mutant("05.2", says="it changes the seconds that it is given")
def pops_the_base(seconds):
    base = min(seconds.pop("one thread"))
    return {way: base / min(rounds) for way, rounds in seconds.items()} | {"one thread": 1.0}


@mutant("05.2", says="must return a dict, one number for each way; yours is a list")
def a_list(seconds):
    return [min(seconds["one thread"]) / min(rounds) for rounds in seconds.values()]


@mutant("05.2", says='the speed-up of "4 threads" must be one number; yours is a list')
def a_list_for_each(seconds):
    return {way: [a / b for a, b in zip(seconds["one thread"], rounds)] for way, rounds in seconds.items()}


@mutant("05.2", says='the speed-up of "4 threads" must be one number; yours is a str')
def as_text(seconds):
    return {way: f"{min(seconds['one thread']) / min(rounds):.1f} x" for way, rounds in seconds.items()}


@mutant("05.2", says="returns nothing")
def prints_speedups(seconds):
    for rounds in seconds.values():
        min(seconds["one thread"]) / min(rounds)


@mutant("05.2", says="it cannot do other ways than those of the example")
def fixed_ways(seconds):
    return {way: min(seconds["one thread"]) / min(seconds[way]) for way in ("one thread", "4 threads", "4 processes")}


# --- 05.3 -----------------------------------------------------------------------------------------------------------------------------

LOST = "two workers add 1 each, and the counter ends at 1 instead of 2"


@mutant("05.3", says=f"{LOST}, for the second worker came between the first one's reading and writing: the `lock` was never taken")
def no_lock(counter, lock, act, steps):
    for _ in range(steps):
        counter.value += act()


@mutant("05.3", says="only the writing is locked; take the lock before the value is read")
def lock_around_the_write(counter, lock, act, steps):
    for _ in range(steps):
        value = counter.value + act()
        with lock:
            counter.value = value


@mutant("05.3", says="only the reading is locked; hold the lock until the new value is written")
def lock_around_the_read(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        with lock:
            value = counter.value
        counter.value = value + reward


@mutant("05.3", says="released after the reading and taken again for the writing")
def two_locks_in_a_row(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        with lock:
            value = counter.value
        with lock:
            counter.value = value + reward


@mutant("05.3", says="`act()` is called while the lock is held: eight workers would play one after another")
def lock_held_while_acting(counter, lock, act, steps):
    for _ in range(steps):
        with lock:
            counter.value += act()


@mutant("05.3", says="`act()` is called while the lock is held")
def lock_held_throughout(counter, lock, act, steps):
    with lock:
        for _ in range(steps):
            reward = act()
            counter.value += reward


@mutant("05.3", says="a lock that the function makes itself is another one for each worker")
def a_lock_for_each_worker(counter, lock, act, steps):
    lock = threading.Lock()
    for _ in range(steps):
        reward = act()
        with lock:
            counter.value += reward


@mutant("05.3", says="a lock that the function makes itself is another one for each worker")
def a_lock_for_each_step(counter, lock, act, steps):
    def add(reward):
        with threading.Lock():
            counter.value += reward

    for _ in range(steps):
        add(act())


@mutant("05.3", says="the lock was let go before the addition")
def lock_around_the_act_alone(counter, lock, act, steps):
    for _ in range(steps):
        with lock:
            reward = act()
        counter.value += reward


@mutant("05.3", says="it takes the lock a second time while it still holds it, and waits for itself for ever")
def never_released(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        lock.acquire()
        counter.value += reward


@mutant("05.3", says="its work done, the worker still holds the lock")
def not_released_at_the_end(counter, lock, act, steps):
    rewards = [act() for _ in range(steps)]
    lock.acquire()
    counter.value += sum(rewards)


@mutant("05.3", says="another worker held the lock, and yours changed the counter all the same")
def asks_and_does_not_wait(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        taken = lock.acquire(blocking=False)
        counter.value += reward
        if taken:
            lock.release()


@mutant("05.3", says="another worker held the lock, and yours left its reward out")
def adds_only_if_free(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        if lock.acquire(blocking=False):
            counter.value += reward
            lock.release()


@mutant("05.3", says="yours ends at 5: the sum of this worker's rewards replaced what was there")
def writes_its_own_total(counter, lock, act, steps):
    total = 0
    for _ in range(steps):
        total += act()
        with lock:
            counter.value = total


@mutant("05.3", says="yours ends at 16: a running total was added after each step")
def adds_its_total_each_time(counter, lock, act, steps):
    total = 0
    for _ in range(steps):
        total += act()
        with lock:
            counter.value += total


@mutant("05.3", says="your code raised RuntimeError: release unlocked lock")
def releases_before_it_acquires(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        lock.release()
        counter.value += reward
        lock.acquire()


@mutant("05.3", says="another worker held the lock, and yours changed the counter all the same")
def releases_what_it_may_not_hold(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        lock.acquire(blocking=False)
        counter.value += reward
        lock.release()


@mutant("05.3", says="a lock that the function makes itself is another one for each worker")
def a_lock_of_another_kind(counter, lock, act, steps):
    lock = threading.RLock()
    for _ in range(steps):
        reward = act()
        with lock:
            counter.value += reward


SHARED = threading.Lock()


@mutant("05.3", says="the `lock` that it is given was never taken")
def another_lock_that_all_share(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        with SHARED:
            counter.value += reward


@mutant("05.3", says="`act()` must be called twice; yours calls it 1 times")
def one_step_only(counter, lock, act, steps):
    reward = act()
    with lock:
        counter.value += reward * steps


@mutant("05.3", says="the counter must end at 15; yours ends at 12: add the reward, not 1")
def counts_steps(counter, lock, act, steps):
    for _ in range(steps):
        act()
        with lock:
            counter.value += 1


@mutant("05.3", says="yours ends at 4: the reward replaced what was there")
def overwrites(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        with lock:
            counter.value = reward


@mutant("05.3", says="yours ends at 10: the sum never reached `counter.value`")
def adds_to_a_copy(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        with lock:
            value = counter.value
            value += reward


@mutant("05.3", says="one worker alone with 2 steps, and it is not back after 8 s")
def waits_for_ever(counter, lock, act, steps):
    for _ in range(steps):
        act()
    threading.Event().wait()


# --- 05.4 -----------------------------------------------------------------------------------------------------------------------------


@mutant("05.4", says="the exception was swallowed")
def swallowed(work, num_workers):
    stop, results = threading.Event(), [None] * num_workers

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception:
            stop.set()

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.4", says="the exception was printed, and the call then returned as if all were well")
def only_printed(work, num_workers):
    stop, results = threading.Event(), [None] * num_workers

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception:
            traceback.print_exc()
            stop.set()

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.4", says="nobody would ever hear of it; set `stop` at once, in the worker that fails, not after the waiting")
def reported_after_hanging(work, num_workers):
    stop, results, errors = threading.Event(), [None] * num_workers, []

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            errors.append(error)

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    if errors:
        stop.set()
        raise errors[0]
    return results


@mutant("05.4", says="set `stop` at once, in the worker that fails")
def futures_in_order(work, num_workers):
    stop = threading.Event()
    pool = ThreadPoolExecutor(num_workers)
    return [future.result() for future in [pool.submit(work, i, stop) for i in range(num_workers)]]


@mutant("05.4", says="the exception ended its thread unseen: catch it there")
def not_caught(work, num_workers):
    stop, results = threading.Event(), [None] * num_workers

    def run(i):
        results[i] = work(i, stop)

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.4", says="its exception ended its thread, Python prints that, and the caller never knows")
def stopped_but_not_kept(work, num_workers):
    stop, results = threading.Event(), [None] * num_workers

    def run(i):
        try:
            results[i] = work(i, stop)
        finally:
            if results[i] is None:
                stop.set()

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.4", says="each worker was given a `stop` of its own")
def a_stop_for_each(work, num_workers):
    results, errors = [None] * num_workers, []

    def run(i):
        stop = threading.Event()
        try:
            results[i] = work(i, stop)
        except Exception as error:
            errors.append(error)
            stop.set()

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    if errors:
        raise errors[0]
    return results


def run_and_keep(work, num_workers, make_error, choose=lambda errors: errors[0][1]):
    """A right answer but for the exception that it raises in the end: `choose` from the list of (worker, exception)."""
    stop, results, errors = threading.Event(), [None] * num_workers, []

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            errors.append((i, error))
            stop.set()

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    if errors:
        raise make_error(choose(errors))
    return results


@mutant("05.4", says="the traceback is lost")
def a_new_one_like_it(work, num_workers):
    return run_and_keep(work, num_workers, lambda error: type(error)(str(error)))


@mutant("05.4", says="the traceback is lost")
def traceback_cut_off(work, num_workers):
    return run_and_keep(work, num_workers, lambda error: error.with_traceback(None))


@mutant("05.4", says="the caller gets RuntimeError: worker 2 lost its game: whoever writes `except Mishap` misses it")
def another_type(work, num_workers):
    return run_and_keep(work, num_workers, lambda error: RuntimeError(str(error)))


@mutant("05.4", says='the exception\'s text was "worker 2 lost its game"; yours is "a worker failed"')
def another_text(work, num_workers):
    return run_and_keep(work, num_workers, lambda error: type(error)("a worker failed"))


@mutant("05.4", says="the caller must hear of the first, the cause; yours raises Mishap: worker 0 gave up")
def lowest_number_first(work, num_workers):
    return run_and_keep(work, num_workers, lambda error: error, lambda errors: min(errors, key=lambda pair: pair[0])[1])


@mutant("05.4", says="its exception came back as a result, where nobody looks for it")
def returned(work, num_workers):
    stop, results = threading.Event(), [None] * num_workers

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            results[i] = error
            stop.set()

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.4", says="the other three workers were never told: set `stop`")
def raises_and_tells_nobody(work, num_workers):
    stop = threading.Event()
    pool = ThreadPoolExecutor(num_workers)
    futures = [pool.submit(work, i, stop) for i in range(num_workers)]
    results = {future: future.result() for future in as_completed(futures)}
    return [results[future] for future in futures]


@mutant("05.4", says="run_or_raise(square, 4) must return [0, 1, 4, 9]; yours returns [None, None, None, None]")
def forgets_the_results(work, num_workers):
    run_and_keep(work, num_workers, lambda error: error)
    return [None] * num_workers


@mutant("05.4", says="never more than 1 of the 4 workers were at work at the same time")
def one_after_the_other(work, num_workers):
    stop, results, lock = threading.Event(), [None] * num_workers, threading.Lock()

    def run(i):
        with lock:
            results[i] = work(i, stop)

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.4", says="nobody had failed, a worker was still at work, and `stop` was set")
def stopped_from_the_start(work, num_workers):
    stop = threading.Event()
    stop.set()
    with ThreadPoolExecutor(num_workers) as pool:
        return list(pool.map(work, range(num_workers), [stop] * num_workers))


@mutant("05.4", says="a worker was still at work, and `stop` was set: set it in the `except`, nowhere else")
def stops_all_when_one_is_done(work, num_workers):
    stop, results, errors = threading.Event(), [None] * num_workers, []

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            errors.append(error)
        finally:
            stop.set()

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    if errors:
        raise errors[0]
    return results


@mutant("05.4", says="the exception was swallowed")
def looks_for_errors_before_it_waits(work, num_workers):
    stop, results, errors = threading.Event(), [None] * num_workers, []

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            errors.append(error)
            stop.set()

    threads = [Thread(target=run, args=(i,)) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    if errors:
        raise errors[0]
    for thread in threads:
        thread.join()
    return results


@mutant("05.4", says="`threading.Event()` makes one")
def hands_over_the_class(work, num_workers):
    results = [None] * num_workers

    def run(i):
        results[i] = work(i, threading.Event)

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    return results


@mutant("05.4", says="no worker failed, and yet a thread ended with TypeError")
def without_stop(work, num_workers):
    results = [None] * num_workers

    def run(i):
        results[i] = work(i)

    start_and_wait([Thread(target=run, args=(i,)) for i in range(num_workers)])
    return results
