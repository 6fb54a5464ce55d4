"""Figures with their targets, and the arithmetic on samples."""
import math
import sys


def percentile(samples, share):
    """The smallest sample that at least `share` of all samples do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(samples):
    return percentile(samples, 0.5)


class Report:
    def __init__(self, name):
        self.name = name
        self.rows = []

    def figure(self, what, value, unit, below=None, at_least=None):
        """Adds a figure; without a target it is a yardstick or a remark."""
        met = None
        target = ""
        if below is not None:
            met, target = value < below, f"< {below:g}"
        elif at_least is not None:
            met, target = value >= at_least, f">= {at_least:g}"
        # A measurement of many minutes may be ended, or fail, before its table is there.
        print(f"{self.name}: {what}: {value:.3f} {unit}", file=sys.stderr, flush=True)
        self.rows.append({"what": what, "value": round(value, 3), "unit": unit,
                          "target": target, "met": met})

    @property
    def is_met(self):
        return all(row["met"] is not False for row in self.rows)

    def table(self):
        width = max(len(row["what"]) for row in self.rows)
        lines = [f"{self.name:<{width}}  {'figure':>10}  {'unit':<6}  {'target':<8}"]
        for row in self.rows:
            verdict = {True: "met", False: "MISSED", None: "yardstick"}[row["met"]]
            lines.append(f"{row['what']:<{width}}  {row['value']:>10.1f}  {row['unit']:<6}  "
                         f"{row['target']:<8}  {verdict}")
        return "\n".join(lines) + "\n"
