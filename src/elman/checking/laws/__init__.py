"""Laws: properties that every correct recurrent model has, asked of any cell, model or module."""

from elman.checking.laws.asking import LAWS as LAWS
from elman.checking.laws.asking import laws as laws
