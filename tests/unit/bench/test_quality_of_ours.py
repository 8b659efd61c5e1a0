from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from slices_made import ACCOUNTS, slice_in

from bench.quality.ablation import variants
from bench.quality.contest import BLOOM, LINKER, SIMPLE, Failed, Peer, Placed, best_of, unlike_published
from bench.quality.identifiers import duns_of, lei_of, trials
from bench.quality.ours import ours
from bench.quality.picture import picture
from bench.quality.scoring import FIGURES, Score, counted, curve, score, tiers_of
from bench.quality.slices import Slice, slices_of
from bench.quality.tables import ablation, beside, identifiers, own
from matching.normalise import duns, lei


@pytest.fixture
def small(tmp_path: Path) -> Slice:
    return slices_of([slice_in(tmp_path / "small")])[0]


def found_in(slice_: Slice) -> dict[tuple[str, str], str]:
    return {
        (left, right): tier for left, right, tier in ours(slice_)[["left", "right", "tier"]].itertuples(index=False)
    }


def placed(slice_: Slice, peer: Peer = SIMPLE, variant: str = "equal host", *, scored: bool = False) -> Placed:
    pairs = pd.DataFrame({"left": ["L1", "L3"], "right": ["R1", "R3"], "score": [0.9, 0.5]})
    line = curve(pairs, slice_) if scored else None
    around = dict.fromkeys(FIGURES, (0.0, 1.0))
    return Placed(peer=peer, variant=variant, score=score(pairs, slice_), around=around, curve=line, seconds=1.0)


def test_pairs_and_tiers_of_ours(small: Slice) -> None:
    assert found_in(small) == {("L1", "R1"): "certain", ("L2", "R2"): "certain", ("L3", "R3"): "certain"}


def test_an_identifier_decides_and_vetoes(tmp_path: Path) -> None:
    one, two = lei_of("one"), lei_of("two")
    folder = slice_in(
        tmp_path / "identified",
        left=(ACCOUNTS, f"L1,Acme,acme.com,DE,LEI,{one}", f"L2,Other,,DE,lei,{two}"),
        right=(ACCOUNTS, f"R1,Acme,acme.com,DE,lei,{two}"),
    )
    assert found_in(slices_of([folder])[0]) == {("L2", "R1"): "certain"}


def test_only_accounts_that_hold_a_key_that_agrees_are_paired(tmp_path: Path) -> None:
    """L1 and L2 are one entry by their name; only L1 has the domain that agrees."""
    folder = slice_in(
        tmp_path / "merged",
        left=(ACCOUNTS, "L1,Acme,acme.com,DE,,", "L2,Acme,elsewhere.com,DE,,"),
        right=(ACCOUNTS, "R1,Different,acme.com,US,,"),
    )
    assert found_in(slices_of([folder])[0]) == {("L1", "R1"): "certain"}


def test_identifiers_that_are_made_up_pass_our_checks() -> None:
    keys = [f"Q{number}" for number in range(200)]
    assert {lei.normalise(lei_of(key)) for key in keys} == {lei_of(key) for key in keys}
    assert {duns.normalise(duns_of(key)) for key in keys} == {duns_of(key) for key in keys}
    assert len({lei_of(key) for key in keys}) == len({duns_of(key) for key in keys}) == len(keys)


def test_attached_identifiers_are_never_wrong(small: Slice) -> None:
    true = set(zip(small.truth["left_id"], small.truth["right_id"], strict=True))
    every = trials(small, (1.0,))
    assert [trial.scheme for trial in every] == ["LEI", "D-U-N-S", "one or the other"]
    for trial in every[:2]:
        numbers = [
            dict(zip(side["account_id"], side["identifier"], strict=True))
            for side in (trial.slice.left, trial.slice.right)
        ]
        equal = {(a, b) for a, one in numbers[0].items() for b, two in numbers[1].items() if one == two}
        assert equal == true
        assert {(row.left, row.right) for row in counted(ours(trial.slice)).itertuples()} == true


def test_a_slice_without_keys_has_no_trials(tmp_path: Path) -> None:
    bare = slices_of([slice_in(tmp_path / "bare", truth=("left_id,right_id", "L1,R1"))])[0]
    assert trials(bare) == []
    assert "no keys" in identifiers([bare])


def test_every_variant_runs_and_its_difference_is_told(small: Slice) -> None:
    told = ablation([small])
    assert all(f"| {variant.name} |" in told for variant in variants())
    without = next(variant for variant in variants() if variant.name == "without domain").run(small)
    assert set(without["left"]) == {"L1", "L2"}
    assert "1.000 (+0.333)" in told


def test_a_peer_that_failed_is_in_the_table(small: Slice) -> None:
    results = [placed(small), Failed(peer=BLOOM, why="ended with 1, ImportError")]
    table = beside(ours(small), 0.1, small, best_of(results))
    assert "| clkhash + anonlink |  | not measured: ended with 1, ImportError |" in table
    assert table.count("| equal host |") == 1


def test_of_a_peer_with_variants_the_best_is_shown(small: Slice) -> None:
    good, bad = placed(small, LINKER, "good", scored=True), placed(small, LINKER, "bad", scored=True)
    worse = Placed(**{**{name: getattr(bad, name) for name in Placed.__slots__}, "score": _nothing()})
    assert best_of([worse, good]) == [good]


def test_recipes_that_are_not_as_published_are_named(small: Slice) -> None:
    public = Slice(**{**{name: getattr(small, name) for name in Slice.__slots__}, "name": "brands"})
    assert unlike_published(public, [placed(small)]) == ["brands: equal host"]
    assert unlike_published(small, [placed(small)]) == []


def test_tables_have_as_many_cells_as_heads(small: Slice) -> None:
    parts = [own(ours(small), small), beside(ours(small), 0.1, small, [placed(small)]), ablation([small])]
    tables = [part.splitlines() for text in parts for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) == 4
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


def test_the_picture_shows_every_mark(small: Slice) -> None:
    tiers = tiers_of(ours(small), small)
    results = [placed(small), placed(small, LINKER, "names", scored=True), Failed(peer=BLOOM, why="")]
    drawn = ET.fromstring(picture("small & more", tiers, results))  # noqa: S314 - our own text
    text = " ".join(drawn.itertext())
    assert "small & more: precision against recall" in text
    for mark in ("ours, certain+likely: F1 0.667", "equal host: F1", "splink: F1"):
        assert mark in text
    assert len(drawn.findall(".//{*}polyline[@class='curve peer-0']")) == 1


def _nothing() -> Score:
    return Score(precision=0.0, recall=0.0, f1=0.0, hard_recall=0.0, pairs=0, right=0, true=3, hard=1)
