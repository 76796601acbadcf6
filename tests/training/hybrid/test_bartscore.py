"""BARTScore on a tiny BART: the log-likelihood worked out token by token."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")
transformers = pytest.importorskip("transformers", reason="training needs the train extra")

from penstock.errors import InputError  # noqa: E402
from penstock.outcomes.likelihood import Case  # noqa: E402
from penstock.training.hybrid.bartscore import BartScore  # noqa: E402

CASES = [
    Case("", "the cat sat on the mat", "a cat sat"),
    Case("", "no", "the mat was on the cat today"),
    Case("", "", "cat"),
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BART of random weights, and its tokenizer, in Hugging Face's layout."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("bart")
    words = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        *sorted({w for c in CASES for t in (c.response, c.reference) for w in t.split()}),
    ]
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(1)
    config = transformers.BartConfig(
        vocab_size=len(words),
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        max_position_embeddings=64,
        init_std=0.6,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=None,
    )
    transformers.BartForConditionalGeneration(config).save_pretrained(folder)
    return folder


@torch.no_grad()
def by_hand(folder: Path, case: Case) -> float:
    """Each token's probability after those before it, from the network's parts and the embedding matrix."""
    model = transformers.BartForConditionalGeneration.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    source = torch.tensor([tokenizer(case.response)["input_ids"]])
    target = tokenizer(case.reference)["input_ids"]
    read = model.model.encoder(input_ids=source).last_hidden_state
    total, given = 0.0, [2]  # decoding begins with </s>
    for token in target:
        states = model.model.decoder(
            input_ids=torch.tensor([given]), encoder_hidden_states=read
        ).last_hidden_state
        logits = (states[0, -1] @ model.model.shared.weight.T + model.final_logits_bias[0]).double().numpy()
        total += logits[token] - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
        given.append(token)
    return total / len(target)


def test_it_is_the_mean_log_likelihood_of_the_reference(checkpoint: Path) -> None:
    found = BartScore.load(checkpoint).log_likelihoods(CASES)
    expected = [by_hand(checkpoint, case) for case in CASES]
    assert len({round(e, 3) for e in expected}) == len(CASES)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_case_alone_scores_as_in_a_batch(checkpoint: Path) -> None:
    scorer = BartScore.load(checkpoint)
    alone = [scorer.log_likelihoods([case])[0] for case in CASES]
    np.testing.assert_allclose(alone, scorer.log_likelihoods(CASES), atol=1e-5)


def test_long_texts_are_cut(checkpoint: Path) -> None:
    long = Case("", "cat " * 500, "mat " * 500)
    assert np.isfinite(BartScore.load(checkpoint).log_likelihoods([long])).all()


def test_a_checkpoint_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be loaded"):
        BartScore.load(tmp_path / "nothing")
