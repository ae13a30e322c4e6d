"""What differs between two facts of one scenario, and which of it is accepted."""

import difflib
import fnmatch
import re


class Difference:
    def __init__(self, scenario, place, key, asterisk, sidetone):
        self.scenario, self.place, self.key = scenario, place, key
        self.asterisk, self.sidetone = asterisk, sidetone

    def __str__(self):
        def show(values):
            return "\n".join("      " + v for v in values) or "      (nothing)"
        return f"  {self.place}: {self.key}\n    asterisk\n{show(self.asterisk)}\n    sidetone\n{show(self.sidetone)}"


def key_of(line):
    """What a line is about: a header's name, the stream and type of a line of SDP."""
    if line.startswith("sdp "):
        place, _, rest = line.partition(": ")
        m = re.match(r"a=[a-z0-9-]+|[a-z]=", rest)
        return place + " " + (m.group(0) if m else rest)
    return line.partition(":")[0].strip()


def lines_by_key(lines):
    out = {}
    for line in lines:
        out.setdefault(key_of(line), []).append(line)
    return out


def compare_items(scenario, stream, left, right):
    titles = [[t for t, _ in side] for side in (left, right)]
    for op, a, b, c, d in difflib.SequenceMatcher(None, *titles, autojunk=False).get_opcodes():
        if op == "equal":
            for (title, one), (_, two) in zip(left[a:b], right[c:d]):
                mine, theirs = lines_by_key(one), lines_by_key(two)
                for key in sorted(set(mine) | set(theirs)):
                    if mine.get(key) != theirs.get(key):
                        yield Difference(scenario, f"{stream}: {title}", key, mine.get(key, []), theirs.get(key, []))
            continue
        # One for one where there are as many, else which are missing and which are too many.
        if op == "replace" and b - a == d - c:
            for i in range(b - a):
                yield Difference(scenario, stream, "item", [left[a + i][0]], [right[c + i][0]])
            continue
        for title, lines in left[a:b]:
            yield Difference(scenario, stream, "item", [title], [])
        for title, lines in right[c:d]:
            yield Difference(scenario, stream, "item", [], [title])


def compare(scenario, asterisk, sidetone):
    left, right = dict(asterisk), dict(sidetone)
    for stream in list(left) + [s for s in right if s not in left]:
        yield from compare_items(scenario, stream, left.get(stream, []), right.get(stream, []))


class Accepted:
    """The rows of accepted.tsv: scenario, place and key are patterns as of file names, the two values
    regular expressions of all lines joined with " | "; empty: whatever it is."""

    def __init__(self, path):
        self.rows = []
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                if line.strip() and not line.startswith("#"):
                    parts = line.rstrip("\n").split("\t")
                    assert len(parts) == 6 and parts[5], f"{path}:{number}: six columns, the last of them the reason"
                    self.rows.append(parts)
        self.used = [0] * len(self.rows)

    def covers(self, d):
        for i, (scenario, place, key, asterisk, sidetone, _) in enumerate(self.rows):
            if not any(fnmatch.fnmatchcase(d.scenario, s) for s in scenario.split(",")):
                continue
            if fnmatch.fnmatchcase(d.place, place) and fnmatch.fnmatchcase(d.key, key) and \
                    fits(asterisk, d.asterisk) and fits(sidetone, d.sidetone):
                self.used[i] += 1
                return True
        return False


def fits(pattern, values):
    if pattern == "-":
        return not values
    return not pattern or re.fullmatch(pattern, " | ".join(values)) is not None
