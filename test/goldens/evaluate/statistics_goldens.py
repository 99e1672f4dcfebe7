"""Writes statistics.json: SciPy's and statsmodels' answers on seeded samples.

usage: python statistics_goldens.py
Made with SciPy 1.17.1, statsmodels 0.15.0, numpy 2.2.6.
"""
import json
import os

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

generator = np.random.default_rng(20261123)


def sample(n, digits=None, shift=0.0):
    values = generator.normal(0.68 + shift, 0.17, n)
    return [float(v) for v in (values if digits is None else np.round(values, digits))]


def t_rows(test):
    interval = test.confidence_interval(0.95)
    return {'t': test.statistic, 'df': float(test.df), 'p': test.pvalue,
            'interval': [interval.low, interval.high]}


def paired(n, digits, shift):
    a, b = sample(n, digits), sample(n, digits, shift)
    differences = np.array(a) - np.array(b)
    kept = differences[np.abs(differences) > 1e-12]
    row = {'a': a, 'b': b, 't': t_rows(stats.ttest_rel(a, b)),
           'tost': float(ttost_paired(np.array(a), np.array(b), -0.05, 0.05)[0])}
    if digits is None:
        method = 'exact' if n <= 50 else 'asymptotic'
        row['wilcoxon'] = float(stats.wilcoxon(a, b, method=method, correction=False).pvalue)
    elif len(kept) > 50:
        kept = np.round(kept, digits)
        row['wilcoxon'] = float(stats.wilcoxon(kept, method='asymptotic').pvalue)
    else:
        kept = np.round(kept, digits)
        everything = stats.PermutationMethod(n_resamples=2**15, random_state=0)
        row['wilcoxon'] = float(stats.wilcoxon(kept, method=everything).pvalue)
    row['pearson'] = float(stats.pearsonr(a, b).statistic)
    return row


def unpaired(n, m, digits, shift):
    a, b = sample(n, digits), sample(m, digits, shift)
    row = {'a': a, 'b': b,
           'student': t_rows(stats.ttest_ind(a, b)),
           'welch': t_rows(stats.ttest_ind(a, b, equal_var=False)),
           'tostStudent': float(ttost_ind(a, b, -0.1, 0.1)[0]),
           'tostWelch': float(ttost_ind(a, b, -0.1, 0.1, usevar='unequal')[0])}
    if n + m > 50:
        method = 'asymptotic'
    elif digits is None:
        method = 'exact'
    else:
        method = stats.PermutationMethod(n_resamples=10**6, random_state=0)
    row['rankSum'] = float(stats.mannwhitneyu(a, b, method=method).pvalue)
    return row


def ratings(n, k):
    truth = generator.gamma(1.2, 9, n)
    table = truth[:, None] * generator.normal(1, 0.1, (n, k)) + generator.normal(0.4, 0.6, k)
    grand, rows, columns = table.mean(), table.mean(1), table.mean(0)
    ms_rows = k * ((rows - grand) ** 2).sum() / (n - 1)
    ms_columns = n * ((columns - grand) ** 2).sum() / (k - 1)
    residual = table - rows[:, None] - columns[None] + grand
    ms_error = (residual**2).sum() / ((n - 1) * (k - 1))
    icc = (ms_rows - ms_error) / (
        ms_rows + (k - 1) * ms_error + k / n * (ms_columns - ms_error))
    return {'table': table.tolist(), 'icc': float(icc)}


p_values = [0.01, 0.04, 0.03, 0.005, 0.2, 0.03, 0.9, 1e-9]
boot_values = sample(60)
boot = stats.bootstrap((boot_values,), np.mean, method='percentile', n_resamples=200000,
                       random_state=1).confidence_interval
result = {
    'paired': [paired(*arguments) for arguments in [
        (9, None, 0.0), (12, 2, 0.02), (30, None, 0.05), (50, None, 0.0), (80, None, 0.03),
        (100, 2, 0.01)]],
    'unpaired': [unpaired(*arguments) for arguments in [
        (7, 5, None, 0.1), (6, 5, 1, 0.1), (20, 15, None, 0.05), (60, 45, None, 0.03),
        (70, 30, 2, 0.0)]],
    'holm': {'p': p_values, 'adjusted': multipletests(p_values, method='holm')[1].tolist()},
    'bootstrap': {'values': boot_values, 'interval': [boot.low, boot.high]},
    'quantiles': {'values': boot_values,
                  'quartiles': np.percentile(boot_values, [25, 50, 75]).tolist()},
    'icc': [ratings(12, 2), ratings(20, 4)],
}
with open(os.path.join(os.path.dirname(__file__), 'statistics.json'), 'w') as file:
    json.dump(result, file, indent=None, separators=(',', ':'))
    file.write('\n')
