# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""BART-base of one and two bits for benchmark/suite.py: its encoder and its decoder's step.

The other engines run a float encoder of the same sizes, and the same step file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lowbit
import numpy as np
import peers
from decoder_steps import onnxruntime_step
from lowbit.benchmark import Run, interleaved
from lowbit.models import bit, tbt

#: Bits of weights and activations.
BITS = ((1, 1), (2, 2), (1, 8), (2, 8))
#: Tokens that the step's cache holds, and that the encoder read.
CACHED, SOURCE = 16, 128


def measure(quick: bool, rounds: int, folder: Path) -> dict[str, Any]:
    """Times of encoders and steps, and sizes of the artifacts."""
    config = tbt.PRESETS["base"]
    programs, variants, parts, sizes = {}, {}, {}, {}
    for bits in BITS[:1] if quick else BITS:
        name = f"lowbit W{bits[0]}A{bits[1]}"
        print(f"  compile {name}", flush=True)
        parameters = tbt.TBTParameters.random(config.with_bits(*bits), seed=0)
        files = {part: folder / f"{part}-{bits[0]}{bits[1]}.onnx" for part in tbt.SESSION_PARTS}
        for part, path in files.items():
            tbt.save_model(tbt.build_model(parameters, part), path)
        programs[name], parts[name] = lowbit.compile(files), files
        # What greedy search needs, and what a beam search may do with.
        variants[f"{name}, largest logit"] = lowbit.compile(
            files, top={"logits": 1}, pack_states=True
        )
        variants[f"{name}, bf16 table"] = lowbit.compile(files, tables="bf16")
        artifact = folder / "program.so"
        programs[name].save(artifact)
        table = config.vocab_size * config.hidden_size * 4
        sizes[name] = {"artifact_bytes": artifact.stat().st_size, "table_bytes": table}
    print("  encoder", flush=True)
    encoder = measure_encoder(programs, rounds, folder)
    steps = []
    for batch in (1, 4):
        print(f"  step, batch {batch}", flush=True)
        seconds = measure_step(programs | variants, parts, batch, rounds)
        steps.append({"batch": batch, "seconds": seconds})
    return {"bart_encoder": encoder, "bart_steps": steps, "bart_sizes": sizes}


def measure_encoder(
    programs: dict[str, lowbit.Program], rounds: int, folder: Path
) -> dict[str, Any]:
    config = tbt.PRESETS["base"]
    ids = np.random.default_rng(0).integers(3, config.vocab_size, (1, SOURCE))
    ones = np.ones_like(ids)
    feeds = {"input_ids": ids, "attention_mask": ones, "token_type_ids": ids * 0}
    floats = bit.BiTConfig(
        vocab_size=config.vocab_size, num_layers=6, activation="gelu", task="encoder"
    ).with_bits(32, 32)
    path = folder / "encoder-float.onnx"
    bit.save_model(bit.build_model(bit.BiTParameters.random(floats, seed=0)), path)
    runs: dict[str, Run] = {name: program["encoder"].run for name, program in programs.items()}
    taken = {x.name for x in next(iter(programs.values()))["encoder"].inputs}
    own = {name: feeds[name] for name in taken}
    runs = {name: lambda _, run=run: run(own) for name, run in runs.items()}
    runs["ONNX Runtime, f32"] = peers.onnxruntime(str(path), 1)
    runs["ONNX Runtime, int8"] = peers.onnxruntime(str(peers.eight_bit(path, folder)), 1)
    for precision in ("f32", "bf16"):
        runs[f"OpenVINO, {precision}"] = peers.openvino(path, precision, 1)
    nncf = peers.openvino_eight_bit(path, [feeds] * 4, folder)
    runs["OpenVINO, int8"] = peers.openvino(nncf, "f32", 1)
    return {name: list(t.seconds) for name, t in interleaved(runs, feeds, rounds).items()}


def measure_step(
    programs: dict[str, lowbit.Program], parts: dict[str, dict[str, Path]], batch: int, rounds: int
) -> dict[str, list[float]]:
    """One step, always from the same cache."""
    config = tbt.PRESETS["base"]
    rng = np.random.default_rng(0)
    ids = rng.integers(3, config.vocab_size, (batch, SOURCE))
    token = {"decoder_input_ids": rng.integers(3, config.vocab_size, (batch, 1))}
    runs: dict[str, Run] = {}
    for name, program in programs.items():
        session = program.session("decoder_step")
        session.start({"input_ids": ids, "attention_mask": np.ones_like(ids)})
        while session.steps < CACHED:
            session.step(token)
        if name == "lowbit W1A1":
            path, step = parts[name]["decoder_step"], program["decoder_step"]
            run = onnxruntime_step(path, session, step, token, 1)
            runs["ONNX Runtime, same W1A1 file"] = lambda _, run=run: run()
        runs[name] = lambda _, session=session: session.step(token)
    return {name: list(t.seconds) for name, t in interleaved(runs, {}, rounds * 2).items()}
