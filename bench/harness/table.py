"""Rows, their verdicts, and how they are shown."""

import json
import statistics


class Row:
    """One figure: samples, perhaps its floor's samples. `holds(value, floor)` says whether a limit is kept."""

    def __init__(self, name, unit, better="more", at_least=None, aim=None, at_least_text="", aim_text=""):
        self.name, self.unit, self.better = name, unit, better
        self.limits = [(at_least_text, at_least), (aim_text, aim)]
        self.samples, self.floors, self.notes = [], [], []

    def add(self, value, floor=None):
        self.samples.append(value)
        if floor is not None:
            self.floors.append(floor)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    @property
    def value(self):
        return self.summary(self.samples)

    @property
    def floor(self):
        return self.summary(self.floors) if self.floors else None

    def summary(self, samples):
        return statistics.median(samples)

    @property
    def ratio(self):
        """Larger is better."""
        if not self.floors or not self.floor or not self.value:
            return None
        return self.value / self.floor if self.better == "more" else self.floor / self.value

    def verdicts(self):
        for text, holds in self.limits:
            if holds is None:
                yield text, "-"
            else:
                yield text, "yes" if holds(self.value, self.floor) else "NO"

    def as_json(self):
        return {"name": self.name, "value": self.value, "unit": self.unit, "floor": self.floor, "ratio": self.ratio,
                "n": len(self.samples), "min": min(self.samples), "max": max(self.samples)}


class TailRow(Row):
    """A latency at a rate: the best three of the runs, averaged."""

    def summary(self, samples):
        return statistics.fmean(sorted(samples)[:3])


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def show(rows):
    head = ["row", "value", "unit", "floor", "ratio", "n", "min", "max", "at least", "", "aim", ""]
    lines = [head]
    for row in rows:
        if not row.samples:
            lines.append([row.name, "no figure", row.unit] + ["-"] * 9)
            continue
        (least, least_holds), (aim, aim_holds) = row.verdicts()
        lines.append([row.name, number(row.value), row.unit, number(row.floor),
                      f"{row.ratio:.2f}x" if row.ratio else "-", str(len(row.samples)), number(min(row.samples)),
                      number(max(row.samples)), least, least_holds, aim, aim_holds])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) if i in (0, 2, 8, 10) else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
    for row in rows:
        for note in row.notes:
            print(f"{row.name}: {note}")


def write(rows, path):
    path.write_text(json.dumps([row.as_json() for row in rows if row.samples], indent=1) + "\n")
