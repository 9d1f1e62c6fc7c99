"""Forks and threads: right results, and nobody waits for what is not there. A child reports by its exit status."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from elman.engines import fused
from elman.nn import Recurrent

pytestmark = [
    pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning"),
]
SECONDS = 20


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def layer() -> Recurrent:
    return Recurrent("lstm", 32, 32, engine="fused", bidirectional=True, generator=torch.Generator().manual_seed(0))


# Enough work for two threads, and tensors that torch itself does not share among its own threads, which a child has not either.
X = torch.randn(12, 8, 32, generator=torch.Generator().manual_seed(1))


def results(module: Recurrent) -> list[Tensor]:
    y, (h, c) = module(X)
    return [y, h, c, *torch.autograd.grad([y, c], list(module.parameters()), [torch.ones_like(y), torch.ones_like(c)])]


def close(a: list[Tensor], b: list[Tensor]) -> bool:
    """A child runs on one thread, so sums may be in another order."""
    return all(torch.allclose(x, y, rtol=1e-4, atol=1e-4) for x, y in zip(a, b, strict=True))


def in_child(work: Callable[[], bool]) -> None:
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if work() else 1
        finally:
            os._exit(status)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


def test_a_child_after_two_threads_were_used() -> None:
    module = layer()
    wanted = results(module)
    in_child(lambda: close(results(module), wanted))
    assert all(torch.equal(a, b) for a, b in zip(results(module), wanted, strict=True))


def test_a_child_goes_back_what_its_parent_went_forward() -> None:
    module = layer()
    y, _ = module(X)
    sent = torch.ones_like(y)
    wanted = list(torch.autograd.grad(y, list(module.parameters()), sent, retain_graph=True))

    def work() -> bool:
        return close(list(torch.autograd.grad(y, list(module.parameters()), sent)), wanted)

    in_child(work)


def test_children_of_a_process_whose_other_thread_is_inside_the_engine() -> None:
    """Whatever that thread holds at the moment of the fork is held for ever in the child."""
    module, stop = Recurrent("lstm", 400, 400, engine="fused"), threading.Event()
    x = torch.zeros(1, 1, 400)

    def work() -> bool:
        with torch.no_grad():
            return bool(module(x)[0].isfinite().all())

    def busy() -> None:
        with torch.no_grad():
            while not stop.is_set():
                module(x)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(20):
            in_child(work)
    finally:
        stop.set()
        thread.join(SECONDS)
    assert not thread.is_alive()


def _serve(module: Recurrent, queue: multiprocessing.Queue) -> None:
    with torch.no_grad():
        queue.put([float(v.double().sum()) for v in module(X)[1]])


@pytest.mark.parametrize("way", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_multiprocessing(way: str) -> None:
    module = layer()
    context = multiprocessing.get_context(way)
    queue = context.Queue()
    with torch.no_grad():
        wanted = [float(v.double().sum()) for v in module(X)[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        workers = [context.Process(target=_serve, args=(module, queue)) for _ in range(2)]
        for worker in workers:
            worker.start()
    found = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(SECONDS)
        assert worker.exitcode == 0
    assert all(abs(a - b) < 1e-4 for one in found for a, b in zip(one, wanted, strict=True))


@pytest.mark.parametrize("training", [False, True])
def test_four_threads_share_a_module(training: bool) -> None:
    module, wrong = layer(), []
    wanted = results(module)

    def work() -> None:
        for _ in range(10):
            if training:
                found = results(module)
            else:
                with torch.no_grad():
                    y, last = module(X)
                found = [y, *last]
            wrong.extend(k for k, (a, b) in enumerate(zip(found, wanted, strict=False)) if not torch.equal(a, b))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong


def test_one_thread_trains_while_others_look() -> None:
    """Between two forms of the weights, every answer is one of them, never a mixture."""
    module = layer()
    x = X[:1, :1]
    with torch.no_grad():
        forms = [{k: v.clone() * s for k, v in module.named_parameters()} for s in (1.0, -1.0)]
        answers = [torch.func.functional_call(module, form, (x,))[0] for form in forms]
    wrong = []

    def work(mine: int) -> None:
        with torch.no_grad():
            for _ in range(60):
                found = torch.func.functional_call(copies[mine], forms[mine % 2], (x,))[0]
                if not torch.equal(found, answers[mine % 2]):
                    wrong.append(mine)

    # functional_call changes a module for a moment, so each thread has its own; what the engine keeps of the layer is shared.
    copies = [layer() for _ in range(4)]
    for one in copies:
        one._kept = module._kept
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
