# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""BART-base of one and two bits for benchmark/suite.py: its encoder, its decoder's step and
whole searches.

The other engines run the float model of the same parameters, as it is or in eight and four bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ctranslate2_bart
import float_bart
import lowbit
import numpy as np
import peers
from decoder_steps import onnxruntime_step
from lowbit.benchmark import Run
from lowbit.generation import Decoder, GenerationConfig, generate
from lowbit.models import tbt
from peers import Competitors, Missing, seconds_of

CONFIG = tbt.PRESETS["base"]
#: Bits of weights and activations.
BITS = ((1, 1), (2, 2), (1, 8), (2, 8))
#: Tokens that the step's cache holds, and that the encoder read.
CACHED, SOURCE = 16, 128
#: A search costs by the token what separates searches for so many.
SHORT, LONG = 16, 48

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Setting:
    """What the measurements share: the float model's parameters and graphs, and the W1A1 step."""

    rounds: int
    folder: Path
    missing: Missing
    floats: tbt.TBTParameters
    encoder: Path
    step: Path
    same_step: Path


def measure(quick: bool, rounds: int, folder: Path, missing: Missing) -> dict[str, Any]:
    """Times of encoders, steps and searches, and sizes of the artifacts."""
    programs, greedy, rounded, sizes = {}, {}, {}, {}
    files: dict[str, Path] = {}
    for bits in BITS[:1] if quick else BITS:
        name = f"lowbit W{bits[0]}A{bits[1]}"
        print(f"  compile {name}", flush=True)
        parameters = tbt.TBTParameters.random(CONFIG.with_bits(*bits), seed=0)
        paths = {part: folder / f"{part}-{bits[0]}{bits[1]}.onnx" for part in tbt.SESSION_PARTS}
        for part, path in paths.items():
            tbt.save_model(tbt.build_model(parameters, part), path)
        files = files or paths
        programs[name] = lowbit.compile(paths)
        # What greedy search needs, and what a beam search may do with.
        greedy[f"{name}, largest logit"] = lowbit.compile(
            paths, top={"logits": 1}, pack_states=True
        )
        for tables in ("bf16", "int8"):
            rounded[f"{name}, {tables} table"] = lowbit.compile(
                paths, tables=tables, pack_states=True
            )
        artifact = folder / "program.so"
        programs[name].save(artifact)
        table = CONFIG.vocab_size * CONFIG.hidden_size * 4
        sizes[name] = {"artifact_bytes": artifact.stat().st_size, "table_bytes": table}
    # Eight bits have no scales to learn, and floats do not look at them.
    floats = tbt.TBTParameters.random(CONFIG.with_bits(1, 8), seed=0)
    encoder, step = folder / "encoder-float.onnx", folder / "decoder_step-float.onnx"
    tbt.save_model(float_bart.build(floats, "encoder"), encoder)
    tbt.save_model(float_bart.build(floats, "decoder_step"), step)
    setting = Setting(rounds, folder, missing, floats, encoder, step, files["decoder_step"])

    print("  encoder", flush=True)
    results: dict[str, Any] = {"bart_encoder": measure_encoder(programs, setting)}
    results |= {"bart_steps": [], "bart_searches": [], "bart_sizes": sizes}
    for batch in (1, 4):
        print(f"  step, {batch} rows", flush=True)
        seconds = measure_step(programs | greedy | rounded, batch, setting)
        results["bart_steps"].append({"batch": batch, "seconds": seconds})
    for beams in (1, 4):
        print(f"  search, {beams} beams", flush=True)
        seconds = measure_search(greedy if beams == 1 else programs | rounded, beams, setting)
        results["bart_searches"].append({"beams": beams, "seconds": seconds})
    return results


def source(batch: int) -> dict[str, Array]:
    """What an encoder reads."""
    ids = np.random.default_rng(0).integers(4, CONFIG.vocab_size, (batch, SOURCE))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def measure_encoder(
    programs: Mapping[str, lowbit.Program], setting: Setting
) -> dict[str, list[float]]:
    feeds, path, folder = source(1), setting.encoder, setting.folder
    runs = Competitors("BART's encoder", setting.missing)
    runs |= {name: program["encoder"].run for name, program in programs.items()}
    peers.add_onnxruntime(runs, path, folder, threads=1)
    peers.add_openvino(runs, path, folder, feeds, threads=1)

    def ctranslate2() -> Run:
        saved = ctranslate2_bart.save_encoder(setting.floats, folder / "ctranslate2-encoder")
        return ctranslate2_bart.encoder(saved, feeds["input_ids"])

    runs.add("CTranslate2, int8", ctranslate2)
    return seconds_of(runs, feeds, setting.rounds)


def measure_step(
    programs: Mapping[str, lowbit.Program], batch: int, setting: Setting
) -> dict[str, list[float]]:
    """Steps from the same cache on."""
    token = {"decoder_input_ids": source(batch)["input_ids"][:, :1]}
    runs = Competitors("BART's step", setting.missing)
    for name, program in programs.items():
        session = program.session("decoder_step")
        session.start(source(batch))
        while session.steps < CACHED:
            session.step(token)
        if name == "lowbit W1A1":
            add_step_peers(runs, session, program["decoder_step"], token, setting)
        runs[name] = lambda _, session=session: session.step(token)
    return seconds_of(runs, {}, setting.rounds * 2)


def add_step_peers(
    runs: Competitors,
    session: lowbit.Session,
    step: lowbit.Entry,
    token: dict[str, Array],
    setting: Setting,
) -> None:
    """The other engines, from what `session` holds."""
    path, folder = setting.step, setting.folder
    feeds = {s.name: session.state(s.state) for s in step.inputs if s.state} | token
    grown = {s.name: s.state for s in step.outputs if s.state}

    def ort(file: Callable[[], Path]) -> Run:
        run = onnxruntime_step(file(), session, step, token, 1)
        return lambda _: run()

    def openvino(precision: str, file: Callable[[], Path]) -> Run:
        return peers.openvino_step(file(), precision, feeds, grown, 1)

    def weights(bits: int, table: bool) -> Callable[[], Path]:
        return partial(peers.openvino_weights, path, folder, bits, table)

    runs.add("ONNX Runtime, same W1A1 file", partial(ort, lambda: setting.same_step))
    runs.add("ONNX Runtime, f32", partial(ort, lambda: path))
    runs.add("ONNX Runtime, int8", partial(ort, partial(peers.eight_bit, path, folder)))
    for precision in ("f32", "bf16"):
        runs.add(f"OpenVINO, {precision}", partial(openvino, precision, lambda: path))
    for name, precision, bits, table in (
        ("int8 weights", "f32", 8, False),
        ("int4 weights", "bf16", 4, False),
        ("int4 weights and table", "bf16", 4, True),
    ):
        runs.add(f"OpenVINO, {name}", partial(openvino, precision, weights(bits, table)))


def measure_search(
    programs: Mapping[str, lowbit.Program], beams: int, setting: Setting
) -> dict[str, list[float]]:
    """Seconds by the token of a search, without the encoder and what else comes once."""
    sentence = source(1)

    def lowbit_search(program: lowbit.Program) -> Run:
        decoder = Decoder(program)

        def run(feeds: Mapping[str, Any]) -> Any:
            # No token ends a search, so that all make as many. The start token counts.
            config = GenerationConfig(2, -1, max_length=feeds["tokens"] + 1, num_beams=beams)
            return generate(decoder, sentence, config)

        return run

    def ctranslate2() -> Run:
        saved = ctranslate2_bart.save(setting.floats, setting.folder / f"ctranslate2-{beams}")
        model = ctranslate2_bart.translator(saved)
        ids = sentence["input_ids"][0].tolist()
        return lambda feeds: ctranslate2_bart.search(model, ids, beams, feeds["tokens"])

    runs = Competitors("BART's search", setting.missing)
    runs |= {name: lowbit_search(program) for name, program in programs.items()}
    runs.add("CTranslate2, int8", ctranslate2)
    both = {
        f"{name} {tokens}": lambda _, run=run, tokens=tokens: run({"tokens": tokens})
        for name, run in runs.items()
        for tokens in (SHORT, LONG)
    }
    taken = seconds_of(both, {}, max(setting.rounds // 3, 3))
    # The fastest short search is taken from every long one: a slow one would make steps too fast.
    return {
        name: [
            (seconds - min(taken[f"{name} {SHORT}"])) / (LONG - SHORT)
            for seconds in taken[f"{name} {LONG}"]
        ]
        for name in runs
    }
