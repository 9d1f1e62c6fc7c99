"""What a recipe says about training: the section `[training]`."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TrainingSettings(BaseModel):
    """How a model is trained. Every field has a default; unknown names are refused.

    `clip_norm` and `clip_value` are two ways to do one thing, so at most one of them is given. `weight_decay` is L2: added to
    the gradient by every optimiser but AdamW, which shrinks the weights directly.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(10, ge=1, description="passes over the training data")
    batch_size: int = Field(64, ge=1, description="sequences per step")
    steps: int = Field(
        64, ge=1, description="continuous text: time steps that gradients reach back over (truncated BPTT)"
    )

    optimiser: Literal["sgd", "rmsprop", "adagrad", "adam", "adamw"] = "adam"
    rate: float = Field(1e-3, gt=0, description="learning rate")
    momentum: float = Field(0.0, ge=0, lt=1, description="of sgd and rmsprop")
    nesterov: bool = Field(False, description="sgd: look ahead along the momentum")
    weight_decay: float = Field(0.0, ge=0, description="L2 penalty")
    l1: float = Field(0.0, ge=0, description="L1 penalty")

    schedule: Literal["constant", "step", "cosine", "plateau"] = "constant"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises linearly, before any schedule")
    step_every: int = Field(10, ge=1, description="step: epochs from one cut of the rate to the next")
    step_factor: float = Field(0.5, gt=0, lt=1, description="step and plateau: what a cut multiplies the rate by")
    plateau_patience: int = Field(3, ge=0, description="plateau: epochs without improvement that bring no cut yet")
    horizon: Literal["epochs", "minutes"] = Field(
        "epochs",
        description="cosine: its end. minutes: the limit of time, if one is set and comes first; the rate then follows the clock",
    )
    final_rate: float = Field(0.0, ge=0, description="cosine ends here; plateau does not go below")

    clip_norm: float | None = Field(None, gt=0, description="largest global norm of the gradient")
    clip_value: float | None = Field(None, gt=0, description="largest absolute value of a gradient's element")
    patience: int | None = Field(None, ge=1, description="stop after so many epochs without a better validation loss")
    minutes: float | None = Field(None, gt=0, description="stop after so much time, at the end of a step")

    balance_classes: bool = Field(
        False,
        description="texts with labels: each class counts the same in the training loss, however many texts it has",
    )
    watch_test: bool = Field(
        False, description="the log tells the test loss of each epoch too, to show what stopping by it would claim"
    )

    on_nonfinite: Literal["stop", "skip"] = Field("stop", description="what a NaN or infinite loss or gradient does")
    max_skips: int = Field(10, ge=0, description="skip: how many such batches a run may leave out before it stops")
    checkpoint_seconds: float = Field(30.0, ge=0, description="time between checkpoints inside an epoch")
    sample_every: int = Field(1, ge=1, description="epochs from one set of samples to the next")
    seed: int = Field(1, ge=0, description="of all named generators")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.momentum and self.optimiser not in ("sgd", "rmsprop"):
            raise ValueError(f"momentum belongs to sgd and rmsprop; {self.optimiser} has none to set")
        if self.nesterov and (self.optimiser != "sgd" or not self.momentum):
            raise ValueError("nesterov needs optimiser sgd and a momentum above 0")
        if self.clip_norm is not None and self.clip_value is not None:
            raise ValueError("clip_norm and clip_value are two ways to clip: give one of them")
        if self.final_rate > self.rate:
            raise ValueError(f"final_rate {self.final_rate} is above rate {self.rate}, where the schedule starts")
        return self

    def conditions(self) -> dict[str, Any]:
        """All that a step depends on. The others say how long to go on, and may differ in a run that is resumed."""
        others = {"epochs", "patience", "minutes", "on_nonfinite", "max_skips", "checkpoint_seconds"}
        return self.model_dump(mode="json", exclude=others)
