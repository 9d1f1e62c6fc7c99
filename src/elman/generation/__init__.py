"""Generation: drawing symbols from a model one by one, and how new what comes out is."""

from elman.generation.novelty import Novelty as Novelty
from elman.generation.novelty import novelty as novelty
from elman.generation.sampling import sample as sample
from elman.models.drawing import filter_logits as filter_logits
