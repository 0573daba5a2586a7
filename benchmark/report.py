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
REFERENCE = "ONNX Runtime, f32"


def milliseconds(values: list[float]) -> str:
    """Minimum and median."""
    return f"{min(values) * 1e3:.3g} ({statistics.median(values) * 1e3:.3g})"


def microseconds(values: list[float]) -> str:
    """Minimum and median."""
    return f"{min(values) * 1e6:.3g} ({statistics.median(values) * 1e6:.3g})"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def others(seconds: dict[str, list[float]]) -> dict[str, list[float]]:
    """Every engine but lowbit."""
    return {name: values for name, values in seconds.items() if not name.startswith("lowbit")}


def ratio(engines: dict[str, list[float]], ours: list[float]) -> str:
    """How many times the fastest engine's minimum is ours; nothing where none was measured."""
    if not engines:
        return "missing"
    return f"{min(map(min, engines.values())) / min(ours):.1f}"


def one(seconds: dict[str, list[float]], name: str) -> dict[str, list[float]]:
    """The engine of that name, where it was measured."""
    return {name: seconds[name]} if name in seconds else {}


def latency(results: dict[str, Any]) -> str:
    lines = results["latency"]
    names = list(dict.fromkeys(name for line in lines for name in line["seconds"]))
    rows = []
    for line in lines:
        seconds = line["seconds"]
        shape = f"{line['batch']} x {line['length']}, {line['threads']} thread"
        rows.append(
            [shape + ("s" if line["threads"] > 1 else "")]
            + [milliseconds(seconds[name]) if name in seconds else "" for name in names]
            + [ratio(one(seconds, REFERENCE), seconds[OURS]), ratio(others(seconds), seconds[OURS])]
        )
    head = ["batch x tokens", *names, "W1A1 to ONNX Runtime f32", "to the fastest other"]
    return table(head, rows)


def shape(line: dict[str, Any]) -> str:
    return f"{line['rows']} x {line['size']} x {line['columns']}"


def products(results: dict[str, Any]) -> str:
    """W1A1 beside engines that multiply integers or floats."""
    lines, peak = results["products"], results["machine"]["popcount_peak"]
    # Engines that run everywhere; the others are in the table of eight bits.
    names = [name for name in lines[0]["seconds"] if all(name in x["seconds"] for x in lines)]
    rows = []
    for line in lines:
        seconds = line["seconds"]
        rate = line["rows"] * line["size"] * line["columns"] / min(seconds[OURS]) / 1e9
        rows.append(
            [shape(line)]
            + [f"{min(seconds[name]) * 1e6:.3g}" for name in names]
            + [f"{rate:.0f}", f"{100 * rate / peak:.0f} %", ratio(others(seconds), seconds[OURS])]
        )
    head = ["m x k x n", *names, "products/ns", "of the peak", "to the fastest other"]
    return table(head, rows)


def eight_bit_products(results: dict[str, Any]) -> str:
    """Products with activations of eight bits."""
    ours = "lowbit W2A8"
    lines = [line for line in results["products"] if ours in line["seconds"]]
    names = list(dict.fromkeys(name for line in lines for name in line["seconds"]))
    names = [name for name in names if name not in (OURS, REFERENCE)]
    rows = []
    for line in lines:
        seconds = line["seconds"]
        rivals = ("ggml TQ2_0", "ONNX Runtime, int8")
        rows.append(
            [shape(line)]
            + [microseconds(seconds[x]) if x in seconds else "missing" for x in names]
            + [ratio(one(seconds, rival), seconds[ours]) for rival in rivals]
            + [ratio(others(seconds), seconds[ours])]
        )
    ratios = ["W2A8 to ggml TQ2_0", "to ONNX Runtime int8", "to the fastest other"]
    return table(["m x k x n", *names, *ratios], rows)


def encoders(results: dict[str, Any]) -> str:
    """BART's encoder: a line for each engine."""
    seconds = results["bart_encoder"]
    rows = []
    for name, values in seconds.items():
        ratios = [ratio(one(seconds, REFERENCE), values), ratio(others(seconds), values)]
        rows.append(
            [name, milliseconds(values)] + (ratios if name.startswith("lowbit") else ["", ""])
        )
    return table(["engine", "128 tokens", "to ONNX Runtime f32", "to the fastest other"], rows)


def by_width(lines: list[dict[str, Any]], key: str, unit: str) -> str:
    """A line for each engine; for each width its time, and the fastest other's to lowbit's."""
    names = list(dict.fromkeys(name for line in lines for name in line["seconds"]))
    rows = []
    for name in names:
        cells = [name]
        for line in lines:
            seconds = line["seconds"]
            own = name in seconds and name.startswith("lowbit")
            cells.append(milliseconds(seconds[name]) if name in seconds else "")
            cells.append(ratio(others(seconds), seconds[name]) if own else "")
        rows.append(cells)
    head = [x for line in lines for x in (f"{line[key]} {unit}", "to the fastest other")]
    return table(["engine", *head], rows)


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
    measured = [
        (f"BERT-base {x['batch']} x {x['length']}, {x['threads']} threads", x["seconds"])
        for x in results["latency"]
    ]
    measured += [(f"product {shape(x)}", x["seconds"]) for x in results["products"]]
    measured.append(("BART's encoder", results["bart_encoder"]))
    measured += [(f"BART's step, {x['batch']} rows", x["seconds"]) for x in results["bart_steps"]]
    measured += [(f"BART, {x['beams']} beams", x["seconds"]) for x in results["bart_searches"]]
    found = []
    for what, seconds in measured:
        rivals = {name: min(values) for name, values in others(seconds).items()}
        if not rivals:
            continue
        best = min(rivals, key=lambda name: rivals[name])
        for name, values in seconds.items():
            if name.startswith("lowbit") and min(values) > rivals[best]:
                found.append(f"{what}: {name} takes {duration(min(values))}, ")
                found[-1] += f"{best} {duration(rivals[best])}"
    return found


def duration(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"


def absent(results: dict[str, Any]) -> str:
    """The engines that could not be measured, with the reasons."""
    lines = [f"* {task}: {name}. {reason}" for task, name, reason in results["missing"]]
    return "\n".join(["## Missing", "", *lines]) + "\n\n" if lines else ""


def built(facts: dict[str, Any]) -> str:
    """What ggml was built for."""
    if "ggml" not in facts:
        return "ggml is missing."
    ggml = facts["ggml"]
    return f"ggml {ggml['version']} is built with {', '.join(ggml['instructions'])}."


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

{absent(results)}## BERT-base

{latency(results)}

![latency by tokens](images/{images[0]})

## Single products

W1A1 through the Python package, a call included: floats in, quantized, packed, multiplied,
floats out. Microseconds, minimum, one thread. The peak is that of xor, popcount and addition
in registers, {facts["popcount_peak"]:.0f} products per nanosecond in this run.

{products(results)}

![products per nanosecond by rows](images/{images[1]})

### Activations of eight bits

Weights of one bit (W1A8, Q1_0), of three levels (W2A8, TQ2_0, TQ1_0; Q4_0 stores them in four
bits), or of eight and four bits. Floats in, floats out, but for ONNX Runtime's int8, which gets
integers and gives integers. Microseconds, minimum (median), one thread. {built(facts)}

{eight_bit_products(results)}

## BART-base

The encoder at 128 tokens, one thread; the others run the float model, or what they make of it in
fewer bits.

{encoders(results)}

A step of the decoder with the product with the float output table, one thread, from a cache of 16
tokens on, after a source of 128. "Largest logit" is what greedy search asks for (`--top=logits:1`,
the same logit bit for bit); a "bf16 table" is half as large (`--tables=bf16`), an "int8 table" a
quarter; with these three the caches hold codes (`--pack-states`). OpenVINO's "int4 weights" keep
eight bits for the output table.

{by_width(results["bart_steps"], "batch", "rows")}

A whole search, by the token: greedy with one beam. Steps follow each other here, with all that
comes between them. CTranslate2 has weights and tables of eight bits.

{by_width(results["bart_searches"], "beams", "beams")}

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
