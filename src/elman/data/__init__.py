"""Data: from a named source or any text file to batches of numbers."""

from elman.data.batches import Batch as Batch
from elman.data.batches import Batches as Batches
from elman.data.corpus import Corpus as Corpus
from elman.data.corpus import load_corpus as load_corpus
from elman.data.downloading import fetch as fetch
from elman.data.line_batches import LineBatches as LineBatches
from elman.data.locating import local_files as local_files
from elman.data.settings import DataSettings as DataSettings
from elman.data.sources import SOURCES as SOURCES
from elman.data.sources import Source as Source
from elman.data.splits import Part as Part
from elman.data.splits import Split as Split
from elman.data.splits import split as split
from elman.data.stream_batches import StreamBatches as StreamBatches
from elman.data.vocabulary import Vocabulary as Vocabulary
