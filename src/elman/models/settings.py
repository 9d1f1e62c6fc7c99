"""What a recipe says about its model: the section `[model]`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: The one dial: what `--size` sets.
SIZES: dict[str, dict[str, int]] = {
    "tiny": {"hidden": 64, "layers": 1},
    "small": {"hidden": 128, "layers": 1},
    "medium": {"hidden": 256, "layers": 2},
    "large": {"hidden": 512, "layers": 2},
}


class ModelSettings(BaseModel):
    """A language model's shape and start."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    cell: str = Field("elman", description="a name of `elman.cells.names()`, or of the cell in `cell_text`")
    cell_text: str | None = Field(None, description="the equations of a cell of your own, as text")
    hidden: int = Field(128, ge=1, le=16384, description="units of each layer")
    layers: int = Field(1, ge=1, le=16, description="recurrent layers")
    embedding: int = Field(0, ge=0, le=16384, description="numbers a symbol is turned into; 0: one-hot")
    dropout: float = Field(0.0, ge=0, le=1, description="between layers and before the output layer")
    bias: bool = Field(True, description="biases in the affine maps of the cell")
    init: Literal["torch", "xavier", "orthogonal", "identity"] = Field("torch", description="starting weights")
    init_scale: float = Field(1.0, gt=0, description="factor of the recurrent matrix for orthogonal and identity")
    forget_bias: float | None = Field(None, ge=-1e6, le=1e6, description="bias of the forget gate at the start")
    engine: Literal["auto", "fused", "loop", "torch"] = Field("auto", description="what unrolls the cell")
