"""报告问题: a zip with what somebody needs who helps from afar, without keys, and without texts unless wanted."""

from tianji_core.problems.faults import record_fault
from tianji_core.problems.report import ProblemReport, ReportFile, prepare_report, write_report

__all__ = ["ProblemReport", "ReportFile", "prepare_report", "record_fault", "write_report"]
