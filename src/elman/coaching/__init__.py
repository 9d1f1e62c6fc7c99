"""The coach: reads what a training left, and says in plain words what is wrong and which option to change."""

from elman.coaching.advice import advise as advise
from elman.coaching.evidence import Evidence as Evidence
from elman.coaching.evidence import entropy as entropy
from elman.coaching.finding import Finding as Finding
from elman.coaching.probe import Probe as Probe
from elman.coaching.probe import probe as probe
from elman.coaching.text import NOTHING as NOTHING
from elman.coaching.text import print_advice as print_advice
