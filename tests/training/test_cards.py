"""Cards by any spelling of their names, the shipped price list, and the price lists of others with their traps."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.errors import ProjectError
from allotment.training import priced, read_price_list, shipped_cards
from allotment.training.estimation._cards import Card, card_key, find_card, known_cards, peak_tflops

GPUHUNT = [
    "instance_name",
    "location",
    "price",
    "cpu",
    "memory",
    "gpu_count",
    "gpu_name",
    "gpu_memory",
    "spot",
    "disk_size",
    "gpu_vendor",
    "flags",
    "cpu_arch",
    "provider_data",
]


@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("NVIDIA GeForce RTX 3090", 71.0),
        ("NVIDIA GeForce RTX 4090", 165.2),
        ("NVIDIA RTX A5000", 111.1),
        ("NVIDIA A100-SXM4-80GB", 312.0),
        ("NVIDIA A100-PCIE-40GB", 312.0),
        ("NVIDIA A100 80GB PCIe", 312.0),
        ("NVIDIA H100 80GB HBM3", 989.0),
        ("NVIDIA H100 PCIe", 756.0),
        ("NVIDIA H100 NVL", 835.0),
        ("NVIDIA H200", 989.0),
        ("NVIDIA L40S", 362.0),
        ("NVIDIA L4", 121.0),
        ("NVIDIA RTX 6000 Ada Generation", 364.2),
        ("NVIDIA GeForce RTX 4080 SUPER", 104.4),
        ("NVIDIA A10", 125.0),
    ],
)
def test_a_card_is_known_by_the_name_its_driver_gives_it(name: str, tflops: float) -> None:
    assert peak_tflops(name) == tflops


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA RTX A5000 Laptop GPU",
        "NVIDIA A10G",
        "NVIDIA A100X",
        "NVIDIA A100-SXM-64GB",
        "NVIDIA A100-SXM4-40GB MIG 3g.20gb",
        "NVIDIA H100",
        "NVIDIA H200 NVL",
        "NVIDIA RTX PRO 6000 Blackwell",
        "Tesla T4",
        "AMD Instinct MI300X",
        "cpu",
        "",
    ],
)
def test_another_card_is_unknown_and_never_taken_for_one_with_a_like_name(name: str) -> None:
    assert peak_tflops(name) is None


@given(st.text(max_size=40))
def test_any_text_is_a_card_or_unknown(name: str) -> None:
    found = find_card(name)
    assert found is None or card_key(found.gpu) == card_key(name) or card_key(name) in known_cards()


def test_every_card_of_the_list_is_found_by_its_own_name_in_its_usual_spellings() -> None:
    for card in shipped_cards():
        for name in (card.gpu, card.gpu.lower(), card.gpu.replace(" ", ""), card.gpu.replace(" ", "-")):
            found = find_card(name)
            assert found is not None and found.gpu == card.gpu, name


def test_a_card_with_another_memory_than_its_name_means_is_not_that_card() -> None:
    assert find_card("RTX4090", 24564 / 1024) is not None
    assert find_card("RTX4090", 49140 / 1024) is None
    assert find_card("RTX3060", 8.0) is None
    small, large = find_card("A100", 40), find_card("A100", 80)
    assert small is not None and small.gpu == "A100 40GB"
    assert large is not None and large.gpu == "A100 80GB"


def test_every_price_of_the_shipped_list_says_of_when_it_is_and_whose() -> None:
    sold = [card for card in shipped_cards() if card.usd_per_hour is not None]
    assert len(sold) >= 15
    for card in sold:
        assert card.as_of != "undated" and card.provider and card.source
        assert card.usd_per_hour_spot is None or card.usd_per_hour_spot < (card.usd_per_hour or 0)
    assert {card.gpu for card in shipped_cards() if card.usd_per_hour is None} >= {"RTX 4080", "RTX A6000"}


def write_csv(file: Path, columns: list[str], rows: list[dict[str, Any]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(rows)
    return file


def gpuhunt(name: str, price: float, *, count: int = 1, memory: float = 24, spot: bool = False) -> dict[str, Any]:
    values = {"instance_name": f"pod {name}", "location": "EU", "price": price, "gpu_count": count, "gpu_name": name}
    return {**values, "gpu_memory": memory, "spot": spot, "gpu_vendor": "nvidia", "cpu": 8, "memory": 32}


def test_gpuhunts_file_gives_the_lowest_price_of_each_card_on_demand_and_spot(tmp_path: Path) -> None:
    rows = [
        gpuhunt("RTX3090", 0.50),
        gpuhunt("RTX3090", 0.46),
        gpuhunt("RTX3090", 0.22, spot=True),
        gpuhunt("RTX3090", 0.10, count=2),
        gpuhunt("A100", 1.64, memory=80),
        gpuhunt("MI300X", 3.00, memory=192),
        gpuhunt("L4", 0.0),
    ]
    found = {card.gpu: card for card in read_price_list(write_csv(tmp_path / "runpod.csv", GPUHUNT, rows))}
    assert set(found) == {"RTX 3090", "A100 80GB"}
    card = found["RTX 3090"]
    assert (card.usd_per_hour, card.usd_per_hour_spot, card.provider) == (0.46, 0.22, "runpod")
    assert card.as_of.startswith("20") and card.bf16_tflops == 71.0


def test_gpuhunts_instances_say_which_h100_it_is(tmp_path: Path) -> None:
    rows = [
        gpuhunt("H100", 2.0, memory=80),
        {**gpuhunt("H100", 2.7, memory=80), "instance_name": "NVIDIA H100 80GB HBM3"},
    ]
    found = read_price_list(write_csv(tmp_path / "runpod.csv", GPUHUNT, rows))
    assert [(card.gpu, card.usd_per_hour) for card in found] == [("H100 SXM", 2.7)]


SKYPILOT = [
    "InstanceType",
    "AcceleratorName",
    "AcceleratorCount",
    "vCPUs",
    "MemoryGiB",
    "Region",
    "SpotPrice",
    "Price",
    "GpuInfo",
]


def sky(
    instance: str, name: str, mib: int, price: str, *, spot: str = "", count: float = 1, told: str = ""
) -> dict[str, Any]:
    info = {"Gpus": [{"Name": told or name, "Count": count, "MemoryInfo": {"SizeInMiB": mib}}]}
    values = {"InstanceType": instance, "AcceleratorName": name, "AcceleratorCount": count, "GpuInfo": repr(info)}
    return {**values, "Price": price, "SpotPrice": spot, "Region": "CZ"}


def test_skypilots_file_of_runpod_writes_gb_where_it_says_mib(tmp_path: Path) -> None:
    (tmp_path / "runpod").mkdir()
    rows = [
        sky("1x_RTXA5000_SECURE", "RTXA5000", 24, "0.27", spot="0.14"),
        sky("1x_A100-80GB_SECURE", "A100-80GB", 80, "1.64", spot="0.82", told="A100 PCIe"),
        sky("1x_RTX2000-Ada_SECURE", "RTX2000-Ada", 16, "0.24"),
        sky("2x_RTXA5000_SECURE", "RTXA5000", 24, "0.20", count=2),
        sky("1x_H100_SECURE", "H100", 80, "2.39", told="H100 PCIe"),
    ]
    found = {card.gpu: card for card in read_price_list(write_csv(tmp_path / "runpod" / "vms.csv", SKYPILOT, rows))}
    assert set(found) == {"RTX A5000", "A100 80GB", "RTX 2000 Ada", "H100 PCIe"}
    assert (found["RTX A5000"].usd_per_hour, found["RTX A5000"].usd_per_hour_spot) == (0.27, 0.14)
    assert found["RTX A5000"].provider == "runpod"


def test_skypilots_file_of_vast_names_less_than_its_instances_do(tmp_path: Path) -> None:
    (tmp_path / "vast").mkdir()
    rows = [
        sky("1x-RTX_4060_Ti-32-65536", "RTX4060", 16380, "0.13", spot="0.00"),
        sky("1x-RTX_4070S_Ti-32-65536", "RTX4070", 16376, "0.18", spot="0.00"),
        sky("1x-RTX_4090-32-65536", "RTX4090", 49140, "0.30", spot="0.00"),
        sky("1x-RTX_4090-32-65536", "RTX4090", 24564, "0.40", spot="0.00"),
        sky("2x-RTX_3090-32-65536", "RTX3090", 49152, "0.33", count=2),
        sky("1x-H100_SXM-32-65536", "H100", 81559, "1.87", spot="0.00"),
        sky("1x-A100_SXM4-32-65536", "A100", 40960, "0.76", spot="0.00"),
    ]
    found = {card.gpu: card for card in read_price_list(write_csv(tmp_path / "vast" / "vms.csv", SKYPILOT, rows))}
    assert {name: card.usd_per_hour for name, card in found.items()} == {
        "RTX 4060 Ti 16GB": 0.13,
        "RTX 4070 Ti SUPER": 0.18,
        "RTX 4090": 0.40,
        "H100 SXM": 1.87,
        "A100 40GB": 0.76,
    }
    assert all(card.usd_per_hour_spot is None for card in found.values())


def test_a_list_like_the_shipped_one_is_read_with_its_own_dates(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("gpu,usd_per_hour,provider,as_of\nRTX 3090,0.44,ours,2026-11-01\nTPU,1,x,y\n", encoding="utf-8")
    (card,) = read_price_list(file)
    assert (card.gpu, card.usd_per_hour, card.provider, card.as_of) == ("RTX 3090", 0.44, "ours", "2026-11-01")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b\n1,2\n", "no price list that is known"),
        (b"gpu,usd_per_hour,provider,as_of\nTPU,1,x,y\n", "no machine with exactly one card"),
        (b"\xff\xfe\x00", "cannot be read|no price list"),
        (b"", "no price list that is known"),
    ],
)
def test_what_is_no_price_list_is_refused(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(ProjectError, match=told):
        read_price_list(tmp_path / "list.csv")


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be read"):
        read_price_list(tmp_path / "none.csv")


@given(
    st.dictionaries(st.sampled_from(GPUHUNT), st.text(max_size=12) | st.floats() | st.integers(-5, 5), min_size=1),
    st.lists(st.sampled_from(["RTX3090", "H100", "", "junk"]), min_size=1, max_size=3),
)
def test_whatever_a_row_holds_a_price_is_finite_and_positive_or_not_there(
    row: dict[str, Any], names: list[str]
) -> None:
    from tempfile import TemporaryDirectory

    rows = [{**gpuhunt(name, 0.3), **row} for name in names] + [gpuhunt("L4", 0.8)]
    with TemporaryDirectory() as folder:
        found = read_price_list(write_csv(Path(folder) / "any.csv", GPUHUNT, rows))
    for card in found:
        for price in (card.usd_per_hour, card.usd_per_hour_spot):
            assert price is None or 0 < price < float("inf")


def test_a_price_of_ones_own_replaces_every_providers_and_only_that_cards() -> None:
    found = priced(shipped_cards(), {"rtx3090": 0.44, "RTX 4080": 0.3})
    prices = {(card.gpu, card.provider): card.usd_per_hour for card in found}
    assert [key for key in prices if key[0] == "RTX 3090"] == [("RTX 3090", "your price")]
    assert prices["RTX 3090", "your price"] == 0.44
    assert prices["RTX 4080", "your price"] == 0.3
    assert prices["L4", "RunPod"] == 0.78
    assert priced((), {"A40": 0.2}) == (Card("A40", 45.0, 149.7, 0.2, None, "your price", "today", "--price"),)


def test_a_price_of_an_unknown_card_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ProjectError, match="not known") as caught:
        priced(shipped_cards(), {"Voodoo 2": 1.0})
    assert "RTX 3090" in caught.value.remedy


def test_cards_are_plain_values() -> None:
    assert json.dumps(shipped_cards()[0].__dict__)
