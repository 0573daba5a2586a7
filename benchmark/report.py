# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns the JSON of benchmark/suite.py into docs/Performance.md and its plots.

python benchmark/report.py results.json --output docs/Performance.md
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

OURS = "lowbit W1A1"


def milliseconds(values: list[float]) -> str:
    """Minimum and median."""
    return f"{min(values) * 1e3:.3g} ({statistics.median(values) * 1e3:.3g})"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def latency(results: dict[str, Any]) -> str:
    lines = results["latency"]
    names = list(dict.fromkeys(name for line in lines for name in line["seconds"]))
    rows = []
    for line in lines:
        seconds = line["seconds"]
        reference = min(seconds["ONNX Runtime, f32"])
        shape = f"{line['batch']} x {line['length']}, {line['threads']} thread"
        ratio = f"{reference / min(seconds[OURS]):.1f}"
        fastest = min(min(v) for k, v in seconds.items() if not k.startswith("lowbit"))
        rows.append(
            [shape + ("s" if line["threads"] > 1 else "")]
            + [milliseconds(seconds[name]) if name in seconds else "" for name in names]
            + [ratio, f"{fastest / min(seconds[OURS]):.1f}"]
        )
    head = ["batch x tokens", *names, "W1A1 to ONNX Runtime f32", "to the fastest other"]
    return table(head, rows)


def products(results: dict[str, Any]) -> str:
    peak = results["machine"]["popcount_peak"]
    rows = []
    for line in results["products"]:
        m, k, n = line["rows"], line["size"], line["columns"]
        seconds = {name: min(values) for name, values in line["seconds"].items()}
        rate = m * k * n / seconds[OURS] / 1e9
        others = [v for name, v in seconds.items() if name != OURS]
        rows.append(
            [f"{m} x {k} x {n}"]
            + [f"{v * 1e6:.3g}" for v in seconds.values()]
            + [f"{rate:.0f}", f"{100 * rate / peak:.0f} %", f"{min(others) / seconds[OURS]:.1f}"]
        )
    names = list(results["products"][0]["seconds"])
    head = ["m x k x n", *names, "products/ns", "of the peak", "to the fastest other"]
    return table(head, rows)


def encoders(results: dict[str, Any]) -> str:
    """BART's encoder: a line for each engine."""
    seconds = results["bart_encoder"]
    reference = min(seconds["ONNX Runtime, f32"])
    fastest = min(min(v) for k, v in seconds.items() if not k.startswith("lowbit"))
    rows = []
    for name, values in seconds.items():
        ratios = [f"{reference / min(values):.1f}", f"{fastest / min(values):.1f}"]
        rows.append(
            [name, milliseconds(values)] + (ratios if name.startswith("lowbit") else ["", ""])
        )
    return table(["engine", "128 tokens", "to ONNX Runtime f32", "to the fastest other"], rows)


def steps(results: dict[str, Any]) -> str:
    """BART's decoder step, by rows."""
    lines = results["bart_steps"]
    rows = [
        [name] + [milliseconds(line["seconds"][name]) for line in lines]
        for name in lines[0]["seconds"]
    ]
    return table(["engine", *(f"{line['batch']} rows" for line in lines)], rows)


def program_sizes(results: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{facts['artifact_bytes'] / 1e6:.1f}",
            f"{(facts['artifact_bytes'] - facts['table_bytes']) / 1e6:.1f}",
        ]
        for name, facts in results["bart_sizes"].items()
    ]
    return table(["program", "artifact, MB", "without the float output table, MB"], rows)


def sizes(results: dict[str, Any]) -> str:
    def megabytes(facts: dict[str, float], key: str) -> str:
        return f"{facts[key] / 2**20:.1f}" if key in facts else ""

    rows = []
    for name, facts in results["sizes"].items():
        first = facts.get("first_answer_seconds")
        rows.append(
            [
                name,
                megabytes(facts, "onnx_bytes"),
                megabytes(facts, "artifact_bytes"),
                f"{facts['compile_seconds']:.1f}",
                f"{first * 1e3:.0f}" if first else "",
                megabytes(facts, "peak_bytes"),
            ]
        )
    head = [
        "model",
        "ONNX, MiB",
        "artifact, MiB",
        "compile, s",
        "load and answer, ms",
        "memory, MiB",
    ]
    return table(head, rows)


def slower(results: dict[str, Any]) -> list[str]:
    """Where another engine is faster than some lowbit model."""
    found = []
    for line in results["latency"]:
        seconds = {name: min(values) for name, values in line["seconds"].items()}
        others = {k: v for k, v in seconds.items() if not k.startswith("lowbit")}
        best = min(others, key=lambda name: others[name])
        for name, value in seconds.items():
            if name.startswith("lowbit") and value > others[best]:
                found.append(
                    f"{name}, {line['batch']} x {line['length']}, {line['threads']} threads: "
                    f"{best} takes {others[best] * 1e3:.3g} ms, lowbit {value * 1e3:.3g} ms"
                )
    for line in results["products"]:
        seconds = {name: min(values) for name, values in line["seconds"].items()}
        best = min(seconds, key=lambda name: seconds[name])
        if best != OURS:
            found.append(
                f"product {line['rows']} x {line['size']} x {line['columns']}: {best} takes "
                f"{seconds[best] * 1e6:.3g} us, lowbit {seconds[OURS] * 1e6:.3g} us"
            )
    return found


def plot(results: dict[str, Any], folder: Path) -> list[str]:
    """Latency by tokens and rate by rows, as PNG files; their names."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    lines = [x for x in results["latency"] if x["batch"] == 1 and x["threads"] == 1]
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for name in lines[0]["seconds"]:
        if not all(name in x["seconds"] for x in lines):
            continue
        axes.plot(
            [x["length"] for x in lines],
            [min(x["seconds"][name]) * 1e3 for x in lines],
            marker="o",
            label=name,
        )
    axes.set(xscale="log", yscale="log", xlabel="tokens", ylabel="milliseconds, 1 thread")
    axes.legend(fontsize=7)
    axes.grid(alpha=0.3)
    figure.savefig(folder / "latency.png", dpi=110, bbox_inches="tight")

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    shapes = sorted({(x["size"], x["columns"]) for x in results["products"]})
    for size, columns in shapes:
        chosen = [x for x in results["products"] if (x["size"], x["columns"]) == (size, columns)]
        axes.plot(
            [x["rows"] for x in chosen],
            [x["rows"] * size * columns / min(x["seconds"][OURS]) / 1e9 for x in chosen],
            marker="o",
            label=f"{size} x {columns}",
        )
    axes.axhline(results["machine"]["popcount_peak"], color="black", lw=1, label="popcount peak")
    axes.set(xscale="log", xlabel="rows", ylabel="binary products per ns, 1 thread")
    axes.legend(fontsize=7)
    axes.grid(alpha=0.3)
    figure.savefig(folder / "products.png", dpi=110, bbox_inches="tight")
    return ["latency.png", "products.png"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    results = json.loads(args.results.read_text())
    facts = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    images = plot(results, args.output.with_suffix("").parent / "images")
    lost = slower(results) or ["nowhere in this run"]
    text = f"""# Performance

Generated by `make bench` from one run; do not edit. Times are milliseconds, minimum (median),
of engines that take turns run by run, so that all meet the same machine.

{facts["cpu"]}, {facts["cores"]} cores, {facts["system"]}, {facts["date"]}. {versions}.
BERT-base has 12 layers of width 768; parameters are random, which does not change the time.
The others run the float BERT-base; "same file" is the W1A1 model with its quantizers as
float operators, which is what lowbit compiles.

## BERT-base

{latency(results)}

![latency by tokens](images/{images[0]})

## Single products

W1A1 through the Python package, a call included: floats in, quantized, packed, multiplied,
floats out. Microseconds, minimum, one thread. The peak is that of xor, popcount and addition
in registers, {facts["popcount_peak"]:.0f} products per nanosecond in this run.

{products(results)}

![products per nanosecond by rows](images/{images[1]})

## BART-base

The encoder at 128 tokens, one thread; the others run a float encoder of the same sizes.

{encoders(results)}

A step of the decoder with the product with the float output table, one thread, from a cache of 16
tokens on, after a source of 128. "Largest logit" is what greedy search asks for (`--top=logits:1`,
the same logit bit for bit); a "bf16 table" is half as large (`--tables=bf16`).

{steps(results)}

Encoder, cross attention and step in one artifact:

{program_sizes(results)}

## Size, start and memory

Memory is that of `lowbit-run` at 128 tokens.

{sizes(results)}

## Where lowbit is slower

""" + "\n".join(f"* {line}" for line in lost)
    args.output.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
