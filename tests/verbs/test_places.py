"""The verb for the places to train elsewhere: what a program that calls it gets to know."""

import pytest

from tianji_core.errors import PlaceError
from tianji_core.training.places.trying import PlaceFinding
from tianji_core.verbs import places


@pytest.fixture(autouse=True)
def place(verb) -> None:
    assert verb("places", "add", "lab", "--host", "127.0.0.1").code == 0


@pytest.mark.parametrize(("good", "code"), [(True, 0), (False, 1)])
def test_a_place_that_lacks_something_fails_its_test(verb, monkeypatch, good, code):
    found = [PlaceFinding(True, "连得上"), PlaceFinding(good, "磁盘")]
    monkeypatch.setattr(places, "try_place", lambda _space, _place: found)
    said = verb("places", "test", "lab")
    assert said.code == code and said.out == f"✓ 连得上\n{'✓' if good else '!'} 磁盘\n"


def test_a_program_gets_the_fingerprints_to_compare(verb, monkeypatch):
    monkeypatch.setattr(places, "offered_keys", lambda _place: [("127.0.0.1 ssh-ed25519 AAAA", "SHA256:abc")])
    said = verb("places", "accept", "lab", "--json").json()
    assert said == {"accepted": False, "fingerprints": ["SHA256:abc"]}


def test_a_saved_place_says_what_to_type_next_in_the_same_workspace(verb, tmp_path):
    folder = tmp_path / "other space"
    said = verb("places", "add", "far", "--host", "127.0.0.1", "--workspace", folder)
    assert said.out.strip().endswith(f"python -m tianji_core places accept far --workspace '{folder}'")
    assert verb("places", "add", "cluster", "--slurm").out.strip().endswith("places test cluster")


def test_a_place_that_refuses_its_test_is_no_bad_input(verb, monkeypatch):
    def refuses(_space: object, _place: object) -> None:
        raise PlaceError("Slurm 拒绝了")

    monkeypatch.setattr(places, "try_place", refuses)
    assert verb("places", "test", "lab").code == 1
    assert verb("places", "test", "nosuch").code == 2
