"""Reports: what a run came to, as one HTML file and as tables in the terminal."""

from elman.reports.report import report_page as report_page
from elman.reports.report import write_report as write_report
from elman.reports.terminal import print_results as print_results
