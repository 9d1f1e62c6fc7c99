"""Training: a loop to read, and everything that makes it lose nothing."""

from elman.training.checkpoint import load_checkpoint as load_checkpoint
from elman.training.checkpoint import save_checkpoint as save_checkpoint
from elman.training.clipping import clip_by_norm as clip_by_norm
from elman.training.clipping import clip_by_value as clip_by_value
from elman.training.clipping import global_norm as global_norm
from elman.training.evaluation import Totals as Totals
from elman.training.evaluation import evaluate as evaluate
from elman.training.fitting import Outcome as Outcome
from elman.training.fitting import fit as fit
from elman.training.listener import Listener as Listener
from elman.training.listener import Silent as Silent
from elman.training.optimisers import make_optimiser as make_optimiser
from elman.training.progress import ProgressListener as ProgressListener
from elman.training.rate_test import RateRange as RateRange
from elman.training.rate_test import rate_range as rate_range
from elman.training.run_folder import RunFolder as RunFolder
from elman.training.schedules import Plateau as Plateau
from elman.training.schedules import after_epoch as after_epoch
from elman.training.schedules import rate_at as rate_at
from elman.training.settings import TrainingSettings as TrainingSettings
from elman.training.signals import watch_signals as watch_signals
from elman.training.task import Loss as Loss
from elman.training.task import Task as Task
