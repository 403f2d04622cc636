"""Right answers to lesson 05 in other styles."""

import concurrent.futures
import queue
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, as_completed
from multiprocessing.pool import ThreadPool

import numpy as np

from tests.right import right

# --- 05.1 -----------------------------------------------------------------------------------------------------------------------------


class Worker(threading.Thread):
    def __init__(self, work, number):
        super().__init__(name=f"worker {number}", daemon=True)
        self.work, self.number, self.result = work, number, None

    def run(self):
        self.result = self.work(self.number)


@right("05.1")
def class_of_its_own(work, num_workers):
    workers = [Worker(work, i) for i in range(num_workers)]
    for worker in workers:
        worker.start()
    results = []
    for worker in workers:
        worker.join()
        results.append(worker.result)
    return results


@right("05.1")
def dict_of_results(work, num_workers):
    results, threads = {}, []
    for i in range(num_workers):

        def store(number=i):
            results[number] = work(number)

        thread = threading.Thread(target=store)
        thread.start()
        threads.append(thread)
    while threads:
        threads.pop().join()
    return [results[i] for i in range(num_workers)]


@right("05.1")
def futures_of_a_pool(work, num_workers):
    pool = ThreadPoolExecutor(max_workers=num_workers)
    futures = [pool.submit(work, i) for i in range(num_workers)]
    concurrent.futures.wait(futures)
    pool.shutdown()
    return [future.result() for future in futures]


@right("05.1")
def pool_of_another_library(work, num_workers):
    with ThreadPool(num_workers) as pool:
        return pool.map(work, range(num_workers))


@right("05.1")
def sorts_a_queue(work, num_workers):
    results = queue.Queue()
    threads = [threading.Thread(target=lambda i: results.put((i, work(i))), args=(i,)) for i in range(num_workers)]
    [thread.start() for thread in threads]
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(timeout=0.01)
    pairs = [results.get() for _ in threads]
    return [result for _, result in sorted(pairs, key=lambda pair: pair[0])]


# --- 05.2 -----------------------------------------------------------------------------------------------------------------------------


@right("05.2")
def with_a_loop(seconds):
    best = {}
    for way in seconds:
        fastest = seconds[way][0]
        for one in seconds[way]:
            if one < fastest:
                fastest = one
        best[way] = fastest
    result = {}
    for way, fastest in best.items():
        result[way] = best["one thread"] / fastest
    return result


@right("05.2")
def with_numpy(seconds):
    best = np.array(list(seconds.values())).min(axis=1)
    return dict(zip(seconds, np.min(seconds["one thread"]) / best))


@right("05.2")
def with_sorted_rounds(seconds):
    base = sorted(seconds["one thread"])[0]
    return dict(map(lambda way: (way, max(base / one for one in seconds[way])), sorted(seconds)))


# --- 05.3 -----------------------------------------------------------------------------------------------------------------------------


@right("05.3")
def acquires_and_releases(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        lock.acquire()
        try:
            counter.value = counter.value + reward
        finally:
            lock.release()


@right("05.3")
def adds_once_at_the_end(counter, lock, act, steps):
    total = sum(act() for _ in range(steps))
    with lock:
        counter.value += total


@right("05.3")
def asks_until_it_is_free(counter, lock, act, steps):
    played = 0
    while played < steps:
        reward = act()
        while not lock.acquire(blocking=False):
            pass
        value = counter.value
        counter.value = value + reward
        lock.release()
        played += 1


@right("05.3")
def step_by_recursion(counter, lock, act, steps):
    if steps == 0:
        return
    reward = act()
    with lock:
        counter.value += reward
    step_by_recursion(counter, lock, act, steps - 1)


# --- 05.4 -----------------------------------------------------------------------------------------------------------------------------


@right("05.4")
def first_exception_of_a_pool(work, num_workers):
    stop = threading.Event()
    with ThreadPoolExecutor(num_workers) as pool:
        futures = [pool.submit(work, i, stop) for i in range(num_workers)]
        done, _ = concurrent.futures.wait(futures, return_when=FIRST_EXCEPTION)
        failed = [future for future in done if future.exception() is not None]
        if failed:
            stop.set()
            raise failed[0].exception()
    return [future.result() for future in futures]


@right("05.4")
def as_they_are_completed(work, num_workers):
    stop = threading.Event()
    with ThreadPoolExecutor(num_workers) as pool:
        numbers = {pool.submit(work, i, stop): i for i in range(num_workers)}
        results = [None] * num_workers
        for future in as_completed(numbers):
            try:
                results[numbers[future]] = future.result()
            except Exception:
                stop.set()
                raise
    return results


@right("05.4")
def only_the_first_is_kept(work, num_workers):
    stop, lock, results, first = threading.Event(), threading.Lock(), {}, None

    def run(i):
        nonlocal first
        try:
            result = work(i, stop)
        except Exception as error:
            with lock:
                if first is None:
                    first = error
            stop.set()
        else:
            results[i] = result

    threads = [threading.Thread(target=run, args=[i]) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if first is not None:
        raise first
    return [results[i] for i in range(num_workers)]


class TeamWorker(threading.Thread):
    def __init__(self, work, number, stop, errors):
        super().__init__()
        self.work, self.number, self.stop_event, self.errors = work, number, stop, errors

    def run(self):
        self.result = None
        try:
            self.result = self.work(self.number, self.stop_event)
        except BaseException as error:
            self.errors.put(error)
            self.stop_event.set()


@right("05.4")
def class_with_a_queue_of_errors(work, num_workers):
    stop, errors = threading.Event(), queue.Queue()
    workers = [TeamWorker(work, i, stop, errors) for i in range(num_workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if not errors.empty():
        raise errors.get()
    return [worker.result for worker in workers]
