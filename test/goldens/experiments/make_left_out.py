"""Golden of the tests of values left out: paired t-test, two one-sided tests, Holm over the table.

scipy 1.17.1 and statsmodels 0.15.0; run by hand: python make_left_out.py > left-out.json
"""
import json

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

margin = 0.05
rng = np.random.default_rng(36)
groups = []
for value, n, shift in (("A", 6, 0.0), ("B", 5, -0.06), ("C", 3, 0.01)):
    seen = np.round(rng.uniform(0.5, 0.9, n), 4)
    unseen = np.round(np.clip(seen + shift + rng.normal(0, 0.02, n), 0, 1), 4)
    difference = unseen - seen
    interval = stats.ttest_rel(unseen, seen).confidence_interval(0.95)
    groups.append(
        {
            "value": value,
            "unseen": unseen.tolist(),
            "seen": seen.tolist(),
            "difference": float(difference.mean()),
            "confidenceInterval": [float(interval.low), float(interval.high)],
            "tTestP": float(stats.ttest_rel(unseen, seen).pvalue),
            "equivalenceP": float(DescrStatsW(difference).ttost_mean(-margin, margin)[0]),
        }
    )
for name in ("tTest", "equivalence"):
    adjusted = multipletests([g[f"{name}P"] for g in groups], method="holm")[1]
    for group, p in zip(groups, adjusted):
        group[f"{name}HolmP"] = float(p)
print(json.dumps({"margin": margin, "groups": groups}, indent=1))
