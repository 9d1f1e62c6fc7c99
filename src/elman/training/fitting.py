"""`fit`: train a task in a run folder, from the start or from where it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from elman.data import Batches
from elman.randomness import Generators
from elman.training.listener import Listener, Silent
from elman.training.loop import Reason, Training
from elman.training.run_folder import RunFolder
from elman.training.settings import TrainingSettings
from elman.training.signals import watch_signals
from elman.training.task import Task


@dataclass(frozen=True)
class Outcome:
    """How a training ended."""

    reason: Reason
    epochs: int
    """Finished epochs."""
    step: int
    best: float | None
    """Lowest validation loss of a finished epoch, nats per target."""
    seconds: float
    """Spent by this call; earlier ones that it resumed are in timing.jsonl."""


def fit(
    task: Task,
    train: Batches,
    validation: Batches,
    settings: TrainingSettings,
    *,
    generators: Generators,
    run: RunFolder,
    model_files: Callable[[], dict[str, bytes]],
    listener: Listener | None = None,
    samples: Callable[[], list[str]] | None = None,
    accepted: Callable[[], None] | None = None,
    resume: bool = False,
    test: Batches | None = None,
) -> Outcome:
    """Train until the epochs, the patience or the minutes are used up.

    `model_files` gives the files of a model folder for the weights as they are; its `model.safetensors` holds
    `task.module.state_dict()`. `accepted` is called once it is clear that the folder is new or can be resumed with these settings,
    before anything in it changes. `samples` is asked after every `sample_every`-th epoch. All randomness comes from `generators`.
    With the setting `watch_test` the metrics tell the loss on `test` after each epoch; nothing is ever decided by it.
    With `resume`, `run` goes on from its last checkpoint, bit for bit; a run that is complete returns at once.

    Raises:
        InputError: the folder holds a run and `resume` was not asked, or settings or data are not those it was started with.
        NonFiniteError: a loss or gradient was NaN or infinite; it was not applied.
        Interrupted: SIGINT or SIGTERM; the state is saved.
        StorageError: the disk is full or fails; the last checkpoint is intact.
        FolderError: the checkpoint to resume from is damaged.
    """
    if not resume:
        run.refuse_if_used()
    with watch_signals() as signals:
        listener = listener or Silent()
        training = Training(
            task, train, validation, settings, generators, run, model_files, samples, listener, signals,
            test if settings.watch_test else None,
        )  # fmt: skip
        if run.last.exists():
            training.resume()
        if accepted:
            accepted()
        if not run.last.exists():
            run.rewind()
            training.save()
        run.write_environment(settings.seed)
        listener.started(settings, training.batches, training.here.step)
        try:
            reason = training.loop()
        finally:
            listener.ended()
    here = training.here
    return Outcome(reason, here.epoch, here.step, here.best, training.seconds())
