"""What a run comes to: a dict for JSON, and the table."""

import collections

from shared import quantile


def summary(run):
    """Everything of RUN that is told, as one dict."""
    counts, statuses = collections.Counter(), collections.Counter()
    samples = collections.defaultdict(list)
    for result in run.results.values():
        counts.update(result["counts"])
        statuses.update({int(k): v for k, v in result["statuses"].items()})
        for name, values in result["samples"].items():
            samples[name] += values
    canary = run.results.get("canary0", {"counts": {}, "samples": {}})
    rounds, failed = canary["counts"].get("rounds", 0), canary["counts"].get("failed", 0)
    ms = canary["samples"].get("ms", [])
    ten = [s for s in run.samples if s["s"] >= 600]
    return {
        "part": run.name, "seconds": round(run.took, 1), "faults": run.faults,
        "sequences": counts["dialogs"] + counts["dialogs_in"] + counts["calls"] + counts["edge_refreshes"],
        "counts": dict(counts), "statuses": dict(sorted(statuses.items())), "server": run.counters,
        "canary": {"rounds": rounds, "failed": failed, "not_counted": canary["counts"].get("not_counted", 0),
                   "success": 1 - failed / rounds if rounds else None, "p50_ms": quantile(ms, 0.5), "p99_ms": quantile(ms, 0.99)},
        "memory": {"before": run.empty, "after_10_minutes": ten[0] if ten else None,
                   "loaded": run.samples[-1] if run.samples else None, "end": run.last, "growth": run.growth()},
        "left": run.left, "kills": run.contacts(), "killed": run.kills, "restart_s": run.restarts,
        "aged": run.aged, "reloads": run.reloads, "reload_worst_s": round(run.worst_reload, 2), "health": run.health, "starved": run.starved,
        "register_p99_ms": quantile(samples["edge_ms"], 0.99), "call_p99_ms": quantile(samples["call_ms"], 0.99),
    }


DULL = ("turns of the core", "fibers", "warn_ms (sidetone.conf)", "longest since the last look")


def percent(x):
    return "-" if x is None else f"{100 * x:.2f} %"


def fault_rows(faults):
    """Faults that are alike, once, with how many there were."""
    seen = collections.Counter()
    first = {}
    for f in faults:
        key = (f["kind"], tuple(f["frames"][:3]) or f["text"][:60])
        seen[key] += 1
        first.setdefault(key, f)
    rows = []
    for key, n in seen.most_common(40):
        f = first[key]
        rows.append(f"    {n:5} x {f['kind']}: {f['text'].splitlines()[0][:160]}")
        rows += [f"              {frame}" for frame in f["frames"][:5]]
    return rows


def table(r):
    """The summary as text."""
    c, canary, memory = r["counts"], r["canary"], r["memory"]
    rows = [
        ("sequences", f"{r['sequences']} in {r['seconds']} s ({c.get('dialogs', 0)} dialogs, {c.get('dialogs_in', 0)} of the server, "
         f"{c.get('calls', 0)} calls, {c.get('edge_refreshes', 0)} refreshes and {c.get('edge_removals', 0)} removals at the edge)"),
        ("messages", f"{c.get('messages', 0)} sent, {c.get('received', 0)} received by the walks; the server's last life: "
         f"{r['server'].get('messages received', 0)} in, {r['server'].get('messages sent', 0)} out; "
         f"{c.get('rtp', 0) + c.get('rtp_sent', 0)} of RTP; "
         f"{c.get('slow', 0)} answered after 5 s and {c.get('held_back', 0)} dialogs not begun, for the machine was busy; "
         f"{c.get('actions', 0)} of managers"),
        ("answers", ", ".join(f"{k}: {v}" for k, v in r["statuses"].items())),
        ("calls with sound", f"{c.get('calls_up', 0)} up, {c.get('calls_failed', 0)} failed; "
         f"sent {c.get('rtp_sent', 0)}, heard {c.get('rtp_heard', 0)}; "
         f"digits {c.get('digits_heard', 0)} of {c.get('digits_sent', 0)}"),
        ("encrypted media", f"{c.get('secure_calls', 0)} calls with sound, {c.get('secure_dialogs', 0)} dialogs of walks that heard "
         f"{c.get('secure_heard', 0)} packets; {c.get('ice_restarts', 0)} ICE restarts, {c.get('rekeys', 0)} rekeys, "
         f"{c.get('trickled', 0)} INFOs with candidates; connections: {c.get('connections_cut', 0)} cut, "
         f"{c.get('connections_again', 0)} made again, {c.get('half_connections', 0)} left half way"),
        ("canary", f"{percent(canary['success'])} of {canary['rounds']} rounds, p50 {canary['p50_ms']} ms, "
         f"p99 {canary['p99_ms']} ms; "
         f"{canary['not_counted']} not counted, for the server was killed in them"),
        ("memory [kB]", f"before {memory['before']['rss']}, after 10 minutes {(memory['after_10_minutes'] or {}).get('rss', '-')}, "
         f"under load {(memory['loaded'] or {}).get('rss', '-')}, end {memory['end']['rss']}"),
        ("descriptors", f"before {memory['before']['fds']}, after 10 minutes {(memory['after_10_minutes'] or {}).get('fds', '-')}, "
         f"under load {(memory['loaded'] or {}).get('fds', '-')}, end {memory['end']['fds']}"),
        ("growth after 10 min", ", ".join(f"{k} {percent(v)}" for k, v in (memory["growth"] or {}).items()) or "the run is too short"),
        ("abandoned calls", f"{r['aged']} ended by the console after a minute"),
        ("left at the end", ", ".join(f"{k} {v}" for k, v in r["left"].items())),
        ("reloads", f"{r['reloads']}, the slowest {r['reload_worst_s']} s"),
        ("kills", f"{r['killed']}; restart {max(r['restart_s'])} s at most"),
    ]
    keys = ("acked", "found", "lost", "gone", "back")
    rows.append(("  their contacts", ", ".join(f"{key} {sum(k[key] for k in r['kills'])}" for key in keys)))
    rows += [(f"  {k['end']} {k['generation'] - 1}", ", ".join(f"{key} {k[key]}" for key in keys))
             for k in r["kills"] if len(r["kills"]) <= 12 or k["lost"] or k["back"]]
    rows += [("  " + name, str(value)) for name, value in r.get("extra", {}).items()]
    if r["health"]:
        rows.append(("health", ", ".join(f"{name} {n}" for name, n in r["health"].items() if n and name not in DULL) +
                     f"; the core waited {r['starved']} s for a CPU since the last start"))
    rows.append(("faults", str(len(r["faults"]))))
    return "\n".join([f"  {name:20}  {text}" for name, text in rows] + fault_rows(r["faults"]))
