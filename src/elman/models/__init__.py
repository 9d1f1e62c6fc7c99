"""Models: what recurrent layers are put to use for. So far the language model (many-to-many, and one-to-many when it generates)."""

from elman.models.folder import StoredModel, load_model, model_files
from elman.models.language_model import LanguageModel, make_cell
from elman.models.settings import SIZES, ModelSettings

__all__ = ["SIZES", "LanguageModel", "ModelSettings", "StoredModel", "load_model", "make_cell", "model_files"]
