# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Searches over a small language model, against exhaustive search, and against Hugging
Face's `generate` on a random BART where transformers is installed."""

import itertools

import numpy as np
import pytest
from lowbit import InputError
from lowbit.generation import GenerationConfig, TopLogits, bmt_beam_search, generate, stream
from lowbit.generation.decoder import log_softmax, top
from lowbit.generation.processors import choose

EOS, PAD, START = 2, 1, 0
VOCABULARY = 6


class Markov:
    """Logits that depend on the sentence and its last two tokens."""

    def __init__(self, seed: int, end: float = 0.0):
        rng = np.random.default_rng(seed)
        self.table = rng.normal(0, 2, (4, VOCABULARY, VOCABULARY, VOCABULARY))
        self.table = self.table.astype(np.float32)
        self.table[..., EOS] += np.float32(end)
        self.table[..., PAD] = -1e4

    def logits(self, sentence, before, last):
        return self.table[sentence, before, last]

    def start(self, inputs):
        self.sentences = np.asarray(inputs["sentence"])
        self.last = np.zeros_like(self.sentences)
        self.before = np.zeros_like(self.sentences)
        return len(self.sentences)

    def step(self, tokens):
        assert tokens.shape == self.sentences.shape
        self.before, self.last = self.last, np.asarray(tokens)
        return self.logits(self.sentences, self.before, self.last)

    def reorder(self, rows):
        rows = np.asarray(rows)
        self.sentences, self.before, self.last = (
            x[rows] for x in (self.sentences, self.before, self.last)
        )

    def score(self, sentence, tokens):
        """The log-probability of tokens after the start token."""
        before, last, total = 0, START, 0.0
        for token in tokens:
            total += float(log_softmax(self.logits(sentence, before, last))[token])
            before, last = last, token
        return total


def settings(**kwargs):
    return GenerationConfig(START, EOS, pad_token_id=PAD, **kwargs)


SENTENCES = {"sentence": np.array([0, 1, 2, 3])}


def test_greedy_takes_the_best_token_and_pads():
    model = Markov(0, end=1.0)
    result = generate(model, SENTENCES, settings(max_length=9))
    for sentence, row in enumerate(result.tolist()):
        expected, before, last = [START], 0, START
        while last != EOS and len(expected) < 9:
            token = int(model.logits(sentence, before, last).argmax())
            before, last = last, token
            expected.append(token)
        assert row == expected + [PAD] * (len(row) - len(expected))


def test_largest_logits_are_chosen_without_what_is_banned():
    top = TopLogits(
        np.array([[3, 2, 1], [3, 2, 1]], np.float32), np.array([[EOS, 4, 5], [4, 5, EOS]])
    )
    sequences = np.array([[START, 4, 5], [START, 5, 5]])
    running = np.array([True, True])
    assert choose(settings(), sequences, top, running).tolist() == [EOS, 4]
    config = settings(min_length=9, no_repeat_ngram_size=1)
    with pytest.raises(InputError, match="none of the 3 largest logits of sequence 0"):
        choose(config, sequences, top, running)
    assert choose(config, sequences, top, ~running).tolist() == [PAD, PAD]
    running[0] = False
    assert choose(config, sequences, top, running).tolist() == [PAD, 4]
    # A forced token need not be among them.
    config = settings(forced_eos_token_id=3, max_length=4)
    assert choose(config, sequences, top, running).tolist() == [3, 3]


def test_stream_gives_the_columns_of_greedy_search():
    config = settings(max_length=7)
    columns = list(stream(Markov(3), SENTENCES, config))
    np.testing.assert_array_equal(
        np.stack(columns, axis=1), generate(Markov(3), SENTENCES, config)[:, 1:]
    )


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_wide_beams_find_the_best_sequence(seed, penalty):
    """With as many beams as there are sequences nothing is cut off."""
    length = 4
    model = Markov(seed, end=0.5)
    config = settings(
        num_beams=300, max_length=length, length_penalty=penalty, early_stopping="never"
    )
    result = generate(model, SENTENCES, config)
    alphabet = [t for t in range(VOCABULARY) if t not in (EOS, PAD)]
    for sentence, row in enumerate(result.tolist()):
        best, expected = -np.inf, None
        for count in range(length):
            for tokens in itertools.product(alphabet, repeat=count):
                ended = count + 1 < length
                if count + 1 > length:
                    continue
                whole = [*tokens, EOS] if ended else list(tokens)
                if not ended and count != length - 1:
                    continue
                value = model.score(sentence, whole) / max(len(whole), 1) ** penalty
                if value > best:
                    best, expected = value, [START, *whole]
        assert row[: len(expected)] == expected


def test_lengths_and_forced_tokens():
    model = Markov(1, end=3.0)
    config = settings(
        max_length=8, min_length=5, num_beams=2, forced_bos_token_id=4, forced_eos_token_id=EOS
    )
    for row in generate(model, SENTENCES, config).tolist():
        assert row[1] == 4
        assert EOS in row and row.index(EOS) >= 5


def test_no_repeated_ngrams():
    config = settings(max_length=14, no_repeat_ngram_size=2)
    for row in generate(Markov(2, end=-9.0), SENTENCES, config).tolist():
        pairs = list(itertools.pairwise(t for t in row if t != PAD))
        assert len(pairs) == len(set(pairs))


def test_bmt_returns_finished_beams_in_ascending_order():
    beams = bmt_beam_search(Markov(5, end=2.0), SENTENCES, 3, max_length=12)
    assert beams.sequences.shape == (4, 3, 12)
    ended = (beams.sequences == EOS).any(axis=-1)
    for scores, flags in zip(beams.scores, ended, strict=True):
        if flags.all():
            assert (np.diff(scores) >= 0).all()


def test_bmt_returns_the_worst_running_beam_where_nothing_ends():
    beams = bmt_beam_search(Markov(5, end=-1e9), SENTENCES, 3, max_length=6)
    assert not (beams.sequences == EOS).any()
    assert (np.diff(beams.scores) <= 0).all()
    answer = generate(
        Markov(5, end=-1e9),
        SENTENCES,
        settings(num_beams=3, max_length=6, length_penalty=0.6),
        strategy="bmt",
    )
    np.testing.assert_array_equal(answer, beams.sequences[:, -1])


def test_top_prefers_the_first_of_equals():
    values = np.array([[1, 3, 3, 2, 3]], np.float32)
    assert top(values, 2).tolist() == [[1, 2]]
    assert top(values, 9).tolist() == [[1, 2, 4, 3, 0]]


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"num_beams": 0}, "num_beams"),
        ({"max_length": 1}, "max_length"),
        ({"min_length": 200}, "min_length"),
        ({"early_stopping": "soon"}, "early_stopping"),
        ({"no_repeat_ngram_size": -1}, "no_repeat_ngram_size"),
    ],
)
def test_bad_settings_are_named(kwargs, text):
    with pytest.raises(ValueError, match=text):
        settings(**kwargs)


def test_bad_strategy_and_streamed_beams():
    with pytest.raises(ValueError, match="strategy"):
        generate(Markov(0), SENTENCES, settings(), strategy="magic")
    with pytest.raises(ValueError, match="num_beams"):
        next(stream(Markov(0), SENTENCES, settings(num_beams=2)))


class Bart:
    """A small random BART of transformers, without a cache."""

    def __init__(self, model, torch):
        self.model, self.torch = model, torch

    def start(self, inputs):
        inputs = {name: self.torch.tensor(x) for name, x in inputs.items()}
        with self.torch.no_grad():
            self.encoded = self.model.model.encoder(**inputs).last_hidden_state
        self.mask = inputs["attention_mask"]
        self.tokens = self.mask[:, :0]
        return len(self.mask)

    def step(self, tokens):
        self.tokens = self.torch.cat([self.tokens, self.torch.tensor(tokens)[:, None]], 1)
        with self.torch.no_grad():
            out = self.model(
                encoder_outputs=(self.encoded,),
                attention_mask=self.mask,
                decoder_input_ids=self.tokens,
            )
        return out.logits[:, -1].numpy()

    def reorder(self, rows):
        rows = self.torch.tensor(np.asarray(rows))
        self.encoded, self.mask = self.encoded[rows], self.mask[rows]
        self.tokens = self.tokens[rows]


@pytest.mark.parametrize("beams", [1, 2, 4])
@pytest.mark.parametrize("stopping", [True, False, "never"])
def test_equals_transformers(beams, stopping):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    sizes = {"d_model": 16, "vocab_size": 60, "max_position_embeddings": 64, "init_std": 0.6}
    for side in ("encoder", "decoder"):
        sizes |= {f"{side}_layers": 1, f"{side}_attention_heads": 2, f"{side}_ffn_dim": 32}
    model = transformers.BartForConditionalGeneration(
        transformers.BartConfig(**sizes, forced_eos_token_id=None)
    ).eval()
    ids = np.array([[0, 5, 7, 9, 11, 2], [0, 8, 22, 2, 1, 1], [0, 44, 33, 22, 2, 1]])
    mask = (ids != 1).astype(np.int64)
    for penalty, ngram, forced in itertools.product((1.0, 2.0, 0.5), (0, 2), (None, 2)):
        kwargs = {
            "max_length": 12,
            "min_length": 4,
            "no_repeat_ngram_size": ngram,
            "forced_eos_token_id": forced,
        }
        if beams > 1:
            kwargs |= {"length_penalty": penalty, "early_stopping": stopping}
        expected = model.generate(
            torch.tensor(ids), attention_mask=torch.tensor(mask), num_beams=beams,
            do_sample=False, **kwargs,
        ).numpy()  # fmt: skip
        config = GenerationConfig(2, 2, pad_token_id=1, num_beams=beams, **kwargs)
        got = generate(Bart(model, torch), {"input_ids": ids, "attention_mask": mask}, config)
        np.testing.assert_array_equal(got, expected)
