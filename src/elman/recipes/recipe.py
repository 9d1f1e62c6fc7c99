"""The recipe: a TOML file that says all of a run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from elman.data import DataSettings
from elman.models import ModelSettings
from elman.training import TrainingSettings


class SampleSettings(BaseModel):
    """What is generated while training and at its end: the section `[sample]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    count: int = Field(10, ge=1, le=1000, description="samples of each kind")
    length: int = Field(200, ge=1, le=100_000, description="symbols of a sample at most")
    temperature: float = Field(1.0, ge=0, description="0 always takes the likeliest symbol")
    top_k: list[int] = Field([1, 3, 5], description="at the end: samples for each of these, and unrestricted ones")
    prompt: str = Field("", description="what a sample begins with")

    @field_validator("top_k")
    @classmethod
    def _each_positive(cls, values: list[int]) -> list[int]:
        if any(k < 1 for k in values):
            raise ValueError("each top_k must be 1 or more; unrestricted samples are always made")
        return values


class Recipe(BaseModel):
    """All that determines a run: data, model, training, samples."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    about: str = ""
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    sample: SampleSettings = SampleSettings()
