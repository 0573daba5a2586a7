# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the demos that generate share: a tokenizer, the program, ONNX Runtime's steps, a table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lowbit
import numpy as np
import numpy.typing as npt

TEXT = Path(__file__).with_name("demo_text.txt")


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Says what is done, and how long it took."""
    print(f"  {what} ...", end="", flush=True)
    start = time.perf_counter()
    yield
    print(f" {time.perf_counter() - start:.1f} s", flush=True)


def learn_tokenizer(text: str, size: int, special_tokens: Sequence[str]) -> Any:
    """A byte-pair encoding of at most `size` tokens, the special ones first."""
    from tokenizers import ByteLevelBPETokenizer

    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        text.splitlines(),
        vocab_size=size,
        special_tokens=list(special_tokens),
        show_progress=False,
    )
    return tokenizer


class OnnxRuntime:
    """The graphs of a session in ONNX Runtime, with caches as arrays.

    paths -- the step last, before it what runs once. States are paired by name as in
        docs/Generation.md.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        *self.others, self.decoder = (
            ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for path in paths.values()
        )
        self.state: dict[str, Any] = {}

    def _run(self, session: Any, feeds: Mapping[str, Any]) -> dict[str, Any]:
        outputs = session.run(None, {x.name: feeds[x.name] for x in session.get_inputs()})
        named = zip((x.name for x in session.get_outputs()), outputs, strict=True)
        return {
            "encoder_hidden_states"
            if name == "last_hidden_state"
            else name.replace("present", "past"): x
            for name, x in named
        }

    def start(self, inputs: Mapping[str, npt.ArrayLike]) -> int:
        self.state = {name: np.asarray(x) for name, x in inputs.items()}
        count = max(len(x) for x in self.state.values())
        for session in self.others:
            self.state |= self._run(session, self.state)
        for x in self.decoder.get_inputs():
            if x.name not in self.state and x.name.startswith("past"):
                heads, size = x.shape[1], x.shape[3]
                self.state[x.name] = np.zeros((count, heads, 0, size), np.float32)
        return count

    def step(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        (name,) = {x.name for x in self.decoder.get_inputs()} - self.state.keys()
        outputs = self._run(self.decoder, {**self.state, name: tokens[:, None]})
        logits = outputs.pop("logits")
        self.state |= outputs
        return np.asarray(logits[:, -1], np.float32)

    def reorder(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self.state = {name: x[rows] for name, x in self.state.items()}


def build_program(
    family: Any, kind: Any, config: Any, checkpoint: Path | None, folder: Path
) -> tuple[dict[str, Path], Path, lowbit.Program]:
    """The graphs of a session, their artifact and the program, all made in `folder`.

    family, kind -- the module of the model and its class of parameters, such as
        `lowbit.models.tbt` and `tbt.TBTParameters`.
    checkpoint -- parameters instead of random ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {part: folder / f"{part}.onnx" for part in family.SESSION_PARTS}
    with progress("write the graphs as ONNX"):
        if checkpoint:
            parameters = kind.from_file(config, checkpoint)
        else:
            parameters = kind.random(config, seed=0)
        for part, path in paths.items():
            family.save_model(family.build_model(parameters, part), path)
    artifact = folder / "model.so"
    with progress("compile them into one program"):
        program = lowbit.compile(paths, pack_states=True)
        program.save(artifact)
    return paths, artifact, program


@dataclass(frozen=True)
class Generated:
    """Tokens `[sentences, length]` and the time that they took."""

    tokens: npt.NDArray[np.int64]
    seconds: float


def timed(
    generate: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]], rows: Any
) -> Generated:
    """`generate` for one row of source tokens after the other; the best of two rounds."""
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        made = [generate(np.asarray(row)[None])[0] for row in rows]
        best = min(best, time.perf_counter() - start)
    width = max(map(len, made))
    padded = [np.pad(row, (0, width - len(row)), constant_values=-1) for row in made]
    return Generated(np.stack(padded), best)


def print_table(
    ours: Generated, theirs: Generated, made: int, paths: Mapping[str, Path], artifact: Path
) -> None:
    """Sizes and speeds; `made` is how many tokens each of the two generated."""
    width = min(ours.tokens.shape[1], theirs.tokens.shape[1])
    equal = float((ours.tokens[:, :width] == theirs.tokens[:, :width]).mean())
    size = sum(path.stat().st_size for path in paths.values())
    print(f"""
    ONNX files                {size / 2**20:8.1f} MiB
    artifact                  {artifact.stat().st_size / 2**20:8.1f} MiB
    lowbit                    {made / ours.seconds:8.1f} tokens/s, encoder included, 1 thread
    ONNX Runtime, same files  {made / theirs.seconds:8.1f} tokens/s
    tokens that are equal     {100 * equal:8.1f} %
""")
