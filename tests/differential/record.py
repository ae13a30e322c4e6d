"""Expected facts on disk: one file a group. Items that are the same in several scenarios (most
are) stand once, above; scenarios name them by number.

    = 12 180 Ringing              item 12: its title, then its lines
    \tVia: ...
    [call/answer]                 a scenario
    a/1 responses INVITE 1\t3 12  a stream and its items
"""

import os


def read_file(path):
    items, scenarios, current, facts = {}, {}, None, None
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n"):
            if line.startswith("= "):
                _, number, title = line.split(" ", 2)
                current = items[int(number)] = (title, [])
            elif line.startswith("\t"):
                current[1].append(line[1:])
            elif line.startswith("["):
                facts = scenarios[line[1:-1]] = []
            elif line:
                stream, _, numbers = line.partition("\t")
                facts.append((stream, [items[int(n)] for n in numbers.split()]))
    return scenarios


def read(directory):
    out = {}
    for name in sorted(os.listdir(directory)):
        if name.endswith(".txt"):
            out.update(read_file(os.path.join(directory, name)))
    return out


def write(directory, facts, chosen):
    """FACTS of those of CHOSEN that are alike; the others of CHOSEN are taken out."""
    os.makedirs(directory, exist_ok=True)
    known = read(directory)
    for name in chosen:
        known.pop(name, None)
    known.update(facts)
    groups = {}
    for name in sorted(known):
        groups.setdefault(name.split("/")[0], {})[name] = known[name]
    for old in os.listdir(directory):
        if old.endswith(".txt") and old[:-4] not in groups:
            os.unlink(os.path.join(directory, old))
    for group, scenarios in groups.items():
        write_file(os.path.join(directory, group + ".txt"), scenarios)


def write_file(path, scenarios):
    items, lines = {}, []
    for name, facts in scenarios.items():
        lines.append(f"[{name}]")
        for stream, list_ in facts:
            numbers = []
            for title, rows in list_:
                key = (clean(title), tuple(clean(r) for r in rows))
                numbers.append(str(items.setdefault(key, len(items) + 1)))
            lines.append(f"{stream}\t{' '.join(numbers)}")
    head = []
    for (title, rows), number in items.items():
        head += [f"= {number} {title}"] + [f"\t{r}" for r in rows]
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(head + lines) + "\n")


def clean(text):
    return text.replace("\n", "\\n").replace("\t", " ").replace("\r", "\\r")
