"""评审: a teacher gives samples 0 to 5 for fit, style and naturalness, with a reason. Its scores order the
review; they never accept, reject or delete anything."""

from tianji_core.cleaning.judging.asking import judge_prompt, read_verdict
from tianji_core.cleaning.judging.estimate import JudgeEstimate, estimate_judging, judging_cost
from tianji_core.cleaning.judging.job import KIND, judge_job, judge_of, start_judging
from tianji_core.cleaning.judging.scoring import judge_samples

__all__ = [
    "KIND",
    "JudgeEstimate",
    "estimate_judging",
    "judge_job",
    "judge_of",
    "judge_prompt",
    "judge_samples",
    "judging_cost",
    "read_verdict",
    "start_judging",
]
