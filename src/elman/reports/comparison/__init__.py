"""A comparison for readers: one value, shown in the terminal, as Markdown, LaTeX, JSON, and as one HTML file."""

from elman.reports.comparison.contents import Attempt as Attempt
from elman.reports.comparison.contents import Comparison as Comparison
from elman.reports.comparison.contents import Data as Data
from elman.reports.comparison.contents import Estimate as Estimate
from elman.reports.comparison.contents import Mistake as Mistake
from elman.reports.comparison.contents import PairedTest as PairedTest
from elman.reports.comparison.contents import Point as Point
from elman.reports.comparison.contents import Row as Row
from elman.reports.comparison.terminal import print_comparison as print_comparison
from elman.reports.comparison.writing import FILES as FILES
from elman.reports.comparison.writing import write_comparison as write_comparison
