"""What a recipe says about its model: the section `[model]`."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Shape = Literal["language-model", "classifier", "average", "bag-of-words"]

#: The one dial: what `--size` sets.
SIZES: dict[str, dict[str, int]] = {
    "tiny": {"hidden": 64, "layers": 1},
    "small": {"hidden": 128, "layers": 1},
    "medium": {"hidden": 256, "layers": 2},
    "large": {"hidden": 512, "layers": 2},
}


class ModelSettings(BaseModel):
    """A model's shape and start. A setting that means nothing for the shape is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    shape: Shape = Field(
        "language-model",
        description="language-model: the next symbol; classifier: a class, by recurrent layers; "
        "average: by the mean of the words' embeddings; bag-of-words: by which words are there",
    )

    cell: str = Field("elman", description="a name of `elman.cells.names()`, or of the cell in `cell_text`")
    cell_text: str | None = Field(None, description="the equations of a cell of your own, as text")
    hidden: int = Field(128, ge=1, le=16384, description="units of each layer")
    layers: int = Field(1, ge=1, le=16, description="recurrent layers")
    bidirectional: bool = Field(False, description="a second set of weights reads each text from its end")
    bias: bool = Field(True, description="biases in the affine maps of the cell")
    init: Literal["torch", "xavier", "orthogonal", "identity"] = Field("torch", description="starting weights")
    init_scale: float = Field(1.0, gt=0, description="factor of the recurrent matrix for orthogonal and identity")
    forget_bias: float | None = Field(None, ge=-1e6, le=1e6, description="bias of the forget gate at the start")
    engine: Literal["auto", "fused", "loop", "torch"] = Field("auto", description="what unrolls the cell")

    precision: Literal["float32", "bf16"] = Field(
        "float32",
        description="bf16: factors of the recurrent layers' matrix products rounded to bfloat16 (fused engine)",
    )

    embedding: int = Field(0, ge=0, le=16384, description="numbers a symbol is turned into; 0: one-hot")
    vectors: str | None = Field(
        None, description='word vectors the embedding starts from: a file, "glove", or "latent": from the texts at hand'
    )
    train_embedding: bool = Field(True, description="false: the embedding stays as it starts")
    pooling: Literal["last", "mean", "max", "attention", "concat"] = Field(
        "last", description="what is read of the outputs of all steps; concat: last, mean and max"
    )

    features: Literal["binary", "counts", "tf-idf"] = Field("binary", description="what is told of a word in a text")
    ngrams: int = Field(1, ge=1, le=5, description="so many words in a row are features too")
    keep_percentiles: list[float] = Field(
        [0.0, 100.0],
        min_length=2,
        max_length=2,
        description="features whose count is outside of these percentiles of all counts are left out",
    )
    min_texts: int = Field(1, ge=1, description="features are left out that fewer training texts have")
    hidden_layers: list[int] = Field([], description="units of each hidden layer; none: logistic regression")
    activation: Literal["relu", "tanh", "softsign", "sigmoid"] = Field("relu", description="of the hidden layers")

    dropout: float = Field(0.0, ge=0, le=1, description="between layers and before the output layer")
    input_dropout: float = Field(0.0, ge=0, le=1, description="of the numbers that the first layer reads")
    word_dropout: float = Field(0.0, ge=0, lt=1, description="of whole words, which are read as unknown")
    recurrent_dropout: float = Field(0.0, ge=0, lt=1, description="of recurrent weights, one mask a batch")
    normalise: bool = Field(
        False, description="inputs: embeddings to mean 0 and deviation 1; bags of words to length 1"
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        fields: Any = type(self).model_fields
        for names, shapes in _ONLY_FOR.items():
            changed = [name for name in names if getattr(self, name) != fields[name].default]
            if changed and self.shape not in shapes:
                raise ValueError(f"{changed[0]} belongs to shape {' and '.join(shapes)}; shape is {self.shape}")
        if self.shape in ("average", "bag-of-words") and not self.hidden_layers:
            useless = [name for name in ("dropout", "activation") if getattr(self, name) != fields[name].default]
            if useless:
                raise ValueError(f"{useless[0]} is of the hidden layers, and there are none: set model.hidden_layers")
        if self.shape in ("classifier", "average") and not self.embedding:
            raise ValueError(f"shape {self.shape} needs an embedding: set model.embedding to 100, for example")
        if not self.train_embedding and self.vectors is None:
            raise ValueError("train_embedding = false keeps random vectors: give word vectors (model.vectors)")
        low, high = self.keep_percentiles
        if not 0 <= low < high <= 100:
            raise ValueError(f"keep_percentiles are two numbers from 0 to 100, the smaller first; got {low}, {high}")
        if any(not 1 <= units <= 16384 for units in self.hidden_layers) or len(self.hidden_layers) > 16:
            raise ValueError("hidden_layers has up to 16 layers of 1 to 16384 units each")
        return self


_ONLY_FOR: dict[tuple[str, ...], tuple[Shape, ...]] = {
    ("cell", "cell_text", "hidden", "layers", "bias", "init", "init_scale", "forget_bias", "engine", "precision"): (
        "language-model", "classifier",
    ),
    ("embedding",): ("language-model", "classifier", "average"),
    ("recurrent_dropout",): ("language-model", "classifier"),
    ("bidirectional", "pooling"): ("classifier",),
    ("vectors", "train_embedding", "word_dropout"): ("classifier", "average"),
    ("features", "ngrams", "keep_percentiles", "min_texts"): ("bag-of-words",),
    ("hidden_layers", "activation"): ("average", "bag-of-words"),
    ("input_dropout", "normalise"): ("classifier", "average", "bag-of-words"),
}  # fmt: skip
