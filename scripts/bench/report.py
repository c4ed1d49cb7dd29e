#!/usr/bin/env python3
"""Medians and ratios from the benchmark's notes, as Markdown.

    report.py NOTES.tsv [--into FILE]

A note is a line: image, subject, metric, value. With --into the text between the two marker lines of a file is
replaced by it.
"""

import statistics
import sys
from collections import defaultdict
from pathlib import Path

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
OURS = "imc"


def load(path: str) -> dict:
    notes = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for line in Path(path).read_text().splitlines():
        image, subject, metric, value = line.split("\t")
        notes[image][subject][metric].append(float(value) if metric != "text" else value)
    return notes


def durable(metrics: dict) -> float | None:
    """Creation and the sync after it, of the same round, added before the median is taken."""
    rounds = [create + sync for create, sync in zip(metrics.get("create", []), metrics.get("sync", []))]
    return statistics.median(rounds) if rounds else None


def median(metrics: dict, name: str) -> float | None:
    return statistics.median(metrics[name]) if metrics.get(name) else None


def seconds(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def plain(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.0f} {unit}"


def spread(values: list[float]) -> str:
    return f"{min(values) / 1000:.2f}..{max(values) / 1000:.2f}" if values else "-"


def table(subjects: dict) -> list[str]:
    peers = {name: metrics for name, metrics in subjects.items() if metrics.get("sync")}
    ours = durable(peers[OURS]) if OURS in peers else None
    lines = [
        "| set-up | create until usable | least..most | until durable | ours / this, durable | same layers again | first start, reading | start | peak memory | disk |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, metrics in sorted(peers.items(), key=lambda item: durable(item[1])):
        total = durable(metrics)
        ratio = "-" if ours is None or name == OURS else f"{ours / total:.2f}"
        lines.append(
            f"| {name} | {seconds(median(metrics, 'create'))} | {spread(metrics['create'])} | {seconds(total)} | {ratio} "
            f"| {plain(median(metrics, 'again'), 'ms')} | {plain(median(metrics, 'first'), 'ms')} | {plain(median(metrics, 'start'), 'ms')} "
            f"| {plain(median(metrics, 'peak_mb'), 'MB')} | {plain(median(metrics, 'disk_mb'), 'MB')} |"
        )
    return lines + summary(peers, ours)


def summary(peers: dict, ours: float | None) -> list[str]:
    containerd = {name: metrics for name, metrics in peers.items() if name.startswith("containerd")}
    if ours is None or not containerd:
        return []
    best_durable = min(durable(metrics) for metrics in containerd.values())
    best_usable = min(median(metrics, "create") for metrics in containerd.values())
    best_start = min(median(metrics, "start") for metrics in containerd.values())
    usable, start = median(peers[OURS], "create"), median(peers[OURS], "start")
    ready = median(peers[OURS], "ready_us")
    return [
        "",
        f"Against the fastest of containerd's set-ups: **{ours / best_durable:.2f}** until durable (reach: 0.50), "
        f"**{usable / best_usable:.2f}** until usable (reach: 0.45; {usable / best_durable:.2f} of its time until durable), **{start / best_start:.2f}** for a start (reach: 1.00); "
        f"the image is ready for a start in **{ready / 1000:.1f} ms** (reach: 5).",
    ]


def report(notes: dict) -> str:
    lines = [note for text in notes.pop("machine", {}).values() for note in text["text"]]
    for image, subjects in notes.items():
        rounds = max((len(metrics.get("create", [])) for metrics in subjects.values()), default=0)
        size = median(subjects.get("image", {}), "unpacked_mb")
        lines += ["", f"### Image `{image}`: {plain(size, 'MB')} of tar, {rounds} round(s), medians", ""]
        lines += table(subjects)
        limits = {name: metrics for name, metrics in subjects.items() if name.startswith("limit")}
        if limits:
            lines += ["", "| limit of this machine, same bytes | alone |", "| --- | --- |"]
            lines += [f"| {name.removeprefix('limit: ')} | {seconds(median(m, 'create'))} |" for name, m in limits.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    text = report(load(sys.argv[1]))
    sys.stdout.write(text)
    if len(sys.argv) > 3 and sys.argv[2] == "--into":
        target = Path(sys.argv[3])
        before, rest = target.read_text().split(BEGIN)
        _, after = rest.split(END)
        target.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
