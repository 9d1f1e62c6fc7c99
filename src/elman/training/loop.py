"""The training loop: epochs, validation, when to save and when to stop. Read `Training.loop` first; its lines are the methods."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from elman.data import Batches
from elman.errors import Interrupted, NonFiniteError
from elman.randomness import Generators
from elman.storage import write_folder
from elman.training.carry import detach
from elman.training.checkpoint import load_checkpoint, refuse_other_run, save_checkpoint
from elman.training.evaluation import evaluate
from elman.training.listener import Listener
from elman.training.optimisers import make_optimiser
from elman.training.position import Position
from elman.training.run_folder import RunFolder
from elman.training.schedules import after_epoch, rate_at
from elman.training.settings import TrainingSettings
from elman.training.signals import Signals
from elman.training.step import Refused, train_step
from elman.training.task import Task
from elman.training.timing import Stretch

Reason = Literal["epochs", "patience", "minutes"]


@dataclass
class Training:
    """One training: what it works with, and where it stands (`here`)."""

    task: Task
    train: Batches
    validation: Batches
    settings: TrainingSettings
    generators: Generators
    run: RunFolder
    model_files: Callable[[], dict[str, bytes]]
    samples: Callable[[], list[str]] | None
    listener: Listener
    signals: Signals
    test: Batches | None = None

    def __post_init__(self) -> None:
        self.optimiser = make_optimiser(self.settings, self.task.module.parameters())
        self.here = Position(shuffle=self.generators.shuffle.get_state())
        self.batches = len(self.train.plan(None))
        self.began = self.saved = time.monotonic()
        self.stretch = Stretch(self.run.timing)

    def loop(self) -> Reason:
        """Train until there is a reason to stop."""
        while (reason := self.finished()) is None:
            self.task.module.train()
            # Where a run is resumed in mid-epoch, the generator is as it was when the epoch began: the same plan comes again.
            plan = self.train.plan(self.generators.shuffle)
            for key in plan[self.here.batch :]:
                if self.out_of_time():
                    self.stop_here()
                    return "minutes"
                self.step(key)
                self.save_if_due()
                self.leave_if_asked()
            self.end_epoch()
            self.leave_if_asked()
        return reason

    def finished(self) -> Reason | None:
        """Why there is no further epoch, or None."""
        if self.here.epoch >= self.settings.epochs:
            return "epochs"
        if self.settings.patience is not None and self.here.stale >= self.settings.patience:
            return "patience"
        return None

    def step(self, key: Any) -> None:
        """Train on one batch, or leave it out if something is not finite."""
        here, batch = self.here, self.train.batch(key)
        state = here.carry if batch.carry else None
        rate = rate_at(self.settings, here.step, self.batches, here.plateau, self.time_used())
        result = train_step(self.task, batch, state, self.optimiser, self.settings, rate)
        here.batch += 1
        here.step += 1
        if isinstance(result, Refused):
            self.leave_out(result, key)
            return
        here.carry = detach(result.state)
        here.sums.add(result)
        self.stretch.symbols += result.read
        self.listener.stepped(here.step, here.sums.nats / here.sums.count, rate, result.read)

    def leave_out(self, refused: Refused, key: Any) -> None:
        """Show what is not finite; then stop, or go on as if this batch had not been there."""
        here = self.here
        here.skips += 1
        here.sums.skipped += 1
        where = {"epoch": here.epoch + 1, "step": here.step, "batch": here.batch, "key": key}
        row = {"kind": "nonfinite", **where, "tensor": refused.tensor, "value": str(refused.value)}
        self.run.metrics.append(row)
        if self.settings.on_nonfinite == "stop" or here.skips > self.settings.max_skips:
            raise NonFiniteError(
                f"step {here.step} (batch {here.batch} of epoch {here.epoch + 1}): the {refused.tensor} is {refused.value}; "
                "nothing was applied, the parameters are as they were. Try a smaller rate, or clip_norm"
            )
        self.listener.nonfinite(row)

    def end_epoch(self) -> None:
        """Validate, then write: best/ first, last/ (which says where the logs ended) at the end. A crash between replays all."""
        here = self.here
        row: dict[str, Any] = {"kind": "epoch", **self.figures()}
        row["best"] = here.judge(row["validation_nats"], row["validation_count"])
        if row["best"]:
            self.save_best()
        here.plateau = after_epoch(self.settings, here.plateau, improved=row["best"])
        self.run.metrics.append(row)
        samples = self.samples() if self.samples and row["epoch"] % self.settings.sample_every == 0 else []
        if samples:
            self.run.append_samples(row["epoch"], samples)
        self.stretch.close(row["epoch"])
        here.next_epoch(self.generators.shuffle.get_state())
        self.save()
        self.listener.epoch_ended(row, samples)

    def figures(self) -> dict[str, Any]:
        """The epoch so far in sums, and the validation of the weights as they are."""
        here = self.here
        found = evaluate(self.task, self.validation, self.leave_if_asked)
        validation: dict[str, Any] = found.named("validation")
        if not math.isfinite(found.nats):
            self.leave_out(Refused("validation loss", found.nats), None)
            validation["validation_nats"] = None
        return {"epoch": here.epoch + 1, "step": here.step, **here.sums.figures(), **validation, **self.watched()}

    def watched(self) -> dict[str, Any]:
        """The test part, if it is watched. That is no part of the training: it takes nothing of the minutes and of no timing."""
        if self.test is None:
            return {}
        began = time.monotonic()
        try:
            return evaluate(self.task, self.test, self.leave_if_asked).named("test")
        finally:
            spent = time.monotonic() - began
            self.began += spent
            self.stretch.began += spent

    def out_of_time(self) -> bool:
        """Whether the minutes are used up."""
        return self.time_used() >= 1

    def time_used(self) -> float:
        """The share of the minutes that is used up; 0 without a limit."""
        return self.seconds() / (60 * self.settings.minutes) if self.settings.minutes is not None else 0.0

    def seconds(self) -> float:
        """Time since this process took the training up."""
        return time.monotonic() - self.began

    def stop_here(self) -> None:
        """Save in mid-epoch, then add figures for the part of it that is done.

        They come after the offsets in last/, so a resumed run takes them back: its logs are those of a run without a stop.
        """
        self.save()
        if self.here.batch == 0:
            return
        row = {"kind": "stop", **self.figures(), "best": self.here.best is None}
        if row["best"]:
            self.save_best()
        self.run.metrics.append(row)
        self.stretch.close(row["epoch"])
        self.listener.epoch_ended(row, [])

    def leave_if_asked(self) -> None:
        """After a signal: save, and raise Interrupted."""
        number = self.signals.number
        if number is None:
            return
        self.save()
        self.stretch.close(self.here.epoch + 1)
        name = signal.Signals(number).name
        raise Interrupted(f"{name}: saved after step {self.here.step} in {self.run.last}; go on with --resume", number)

    def save_if_due(self) -> None:
        """A checkpoint in mid-epoch, so that a crash costs seconds and not an epoch."""
        if time.monotonic() - self.saved >= self.settings.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Replace last/ by this moment."""
        facts = {"conditions": self.conditions(), "offsets": self.run.offsets()}
        save_checkpoint(self.run.last, self.model_files(), self.optimiser, self.generators, self.here, facts)
        self.saved = time.monotonic()

    def save_best(self) -> None:
        """Replace best/ by the weights as they are."""
        write_folder(self.run.best, self.model_files(), kind="model")

    def resume(self) -> None:
        """Go back to the moment of last/: everything that was written later will be written again, the same."""
        self.here, facts = load_checkpoint(self.run.last, self.task.module, self.optimiser, self.generators)
        refuse_other_run(self.run.path, facts["conditions"], self.conditions())
        self.run.rewind(**facts["offsets"])

    def conditions(self) -> dict[str, Any]:
        """What has to be the same for a resumed run to be exact."""
        data = {"batches in an epoch": self.batches, "targets in an epoch": self.train.symbols}
        return self.settings.conditions() | data
