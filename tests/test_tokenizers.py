"""Folders without tokenizer.json: a vocabulary is converted as its family means it, or refused."""

from __future__ import annotations

import json
import sys

import pytest
from random_checkpoints import checkpoint

from operator_lab.errors import LabError
from operator_lab.pretrained.tokenizer import tokenizer

pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")
LETTERS = [*"abcdefgh", "Ġ", "Ġa", "ab", "Ġab", "<|endoftext|>"]


def bare(path, kind, said="GPT2Tokenizer"):
    checkpoint(path, kind)
    (path / "tokenizer.json").unlink()
    config = json.dumps({"tokenizer_class": said} if said else {})
    (path / "tokenizer_config.json").write_text(config, encoding="utf-8")
    return path


def byte_pairs(path, said="GPT2Tokenizer"):
    bare(path, "gpt2", said)
    (path / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(LETTERS)}))
    (path / "merges.txt").write_text("#version: 0.2\na b\nĠ a\nĠ ab\n", encoding="utf-8")
    return path


def test_vocabulary_and_merges(tmp_path):
    encoded = tokenizer(byte_pairs(tmp_path)).encode("ab ab a").ids
    assert [LETTERS[i] for i in encoded] == ["ab", "Ġab", "Ġa"]


def test_word_pieces(tmp_path):
    bare(tmp_path, "bert", "BertTokenizer")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bank", "##s", "the"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    encoded = tokenizer(tmp_path).encode("The banks").ids
    assert [words[i] for i in encoded] == ["[CLS]", "the", "bank", "##s", "[SEP]"]


def test_a_sentencepiece_model(tmp_path):
    pieces = pytest.importorskip("sentencepiece")
    bare(tmp_path, "llama", "LlamaTokenizer")
    said = tmp_path / "said.txt"
    said.write_text("the man paid the coin at the bank\nthe man saw the river bank\n" * 20)
    train = {
        "input": str(said), "model_prefix": str(tmp_path / "tokenizer"), "model_type": "bpe",
        "minloglevel": 2,
    }  # fmt: skip
    as_llama = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
    pieces.SentencePieceTrainer.train(vocab_size=300, byte_fallback=True, **train, **as_llama)
    own = pieces.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    made = tokenizer(tmp_path)
    text = "the man  saw the bänk"
    assert made.encode(text, add_special_tokens=False).ids == own.encode(text)
    pieces.SentencePieceTrainer.train(vocab_size=40, **train)  # which folds blanks: not as Llama's
    with pytest.raises(LabError, match="cuts texts otherwise than tokenizer.model itself"):
        tokenizer(tmp_path)


def test_without_the_library_the_sentence_says_how(tmp_path, monkeypatch, as_a_learner):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(LabError, match=r"vocab.json and merges.txt .* operator-lab\[convert\]"):
        tokenizer(byte_pairs(tmp_path / "a"))
    with pytest.raises(
        LabError, match="no tokenizer: tokenizer.json is missing. .*save_pretrained"
    ):
        tokenizer(bare(tmp_path / "b", "gpt2"))
    with pytest.raises(LabError, match="does not say in tokenizer_config.json of which kind"):
        tokenizer(byte_pairs(bare(tmp_path / "c", "gpt2"), said=None))


def test_a_vocabulary_of_nobody_is_refused(tmp_path, as_a_learner):
    bare(tmp_path, "llama", "LlamaTokenizer")
    (tmp_path / "tokenizer.model").write_bytes(b"nothing")
    with pytest.raises(LabError, match="No tokenizer can be made of tokenizer.model"):
        tokenizer(tmp_path)
