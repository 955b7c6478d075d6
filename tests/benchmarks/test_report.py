import re

import numpy as np
import pytest

from benchmarks import figures, page, records, report
from benchmarks.items import ITEMS, structure
from benchmarks.report import Cell, Section
from deep_image_prior import BadInput


def record(
    folder,
    picture,
    method,
    value,
    *,
    item="set5-x4",
    budget="paper",
    seed=0,
    complete=True,
    images=None,
):
    """A record as a run leaves it, with pictures of one gray."""
    crop = 0 if budget == "paper" else 128
    place = f"{item}/{budget}/{picture}"
    gray = np.full((8, 8, 3), 0.5)
    names = images or {f"{method}, last": gray, f"{method}, average": gray}
    return {
        "item": item,
        "budget": budget,
        "crop": crop,
        "picture": picture,
        "method": method,
        "seed": seed,
        "scores": {name: {ITEMS[item].metrics[0]: value, "SSIM": 0.5} for name in names},
        "images": {
            name: records.save_image(folder, f"{place}/{name}-{seed}.png", image)
            for name, image in names.items()
        },
        "problem": {
            name: records.save_image(folder, f"{place}/{name}.png", gray + shift)
            for name, shift in (("degraded", 0.1), ("clean", 0))
        },
        "seconds": 10.0 + seed,
        "steps": 100,
        "stopped": "budget: 100 steps" if complete else "interrupted at step 100",
        "complete": complete,
        "peak_memory_bytes": 2**20,
        "interrupted": not complete,
        "share": 1,
        "settings": {"steps": 200},
        "curve": {
            "step": [1, 100],
            "seconds": [1.0, 10.0],
            "energy": [0.5, 0.1],
            "last": [value - 1, value],
            "average": [value - 2, value],
        },
        "date": "2026-01-02T03:04:05+00:00",
        "versions": {"torch": "2.5"},
        "machine": "a machine",
        "device": "cpu",
        "threads": 2,
    }


def sections(folder):
    return report.sections(folder, records.read(folder))


@pytest.fixture
def folder(tmp_path):
    for each in (
        record(tmp_path, "butterfly", "prior (paper)", 26.0),
        record(tmp_path, "bird", "prior (paper)", 31.0),
        record(
            tmp_path,
            "bird",
            "bicubic",
            30.2,
            images={"bicubic, of a bicubic x0": np.zeros((8, 8, 3))},
        ),
    ):
        records.append(tmp_path, each)
    return tmp_path


def test_numbers_stand_beside_the_papers(folder):
    (section,) = sections(folder)
    assert section.pictures == ["bird", "butterfly"]
    assert section.value("bird", "prior (paper), last") == Cell(31.0, 31.80)
    assert section.value("bird", "prior (paper), average") == Cell(31.0)
    assert section.value("butterfly", "bicubic, of a bicubic x0") == Cell(None, 22.13)
    assert section.common == ["bird"]  # of butterfly there is no bicubic
    assert section.mean("prior (paper), last") == Cell(28.5, (31.80 + 26.23) / 2, pictures=2)
    assert section.mean("bicubic, of a bicubic x0") == Cell(30.2, 30.20, pictures=1)
    assert section.notes == ["bird, prior (paper), last: -0.80 dB to the paper"]
    assert section.cost("prior (paper), last") == (10.0, 100, 1.0)


def test_the_papers_mean_stands_only_beside_a_mean_over_all_its_pictures(tmp_path):
    pictures = list(ITEMS["denoising"].pictures)
    section = Section(
        ITEMS["denoising"],
        "paper",
        0,
        [record(tmp_path, name, "prior (paper)", 30.0, item="denoising") for name in pictures],
    )
    assert section.mean("prior (paper), average") == Cell(30.0, 30.43, pictures=9)
    fewer = Section(ITEMS["denoising"], "paper", 0, section.records[:-1])
    assert fewer.mean("prior (paper), average") == Cell(30.0, None, pictures=8)


def test_the_command_makes_the_same_records(folder, tmp_path):
    (section,) = sections(folder)
    assert section.command == (
        "python -m benchmarks run set5-x4 --data DATA --budget paper --method 'prior (paper)' "
        "--method bicubic "
        "--images bird,butterfly"
    )
    small = Section(
        ITEMS["set5-x4"], "small", 64, [record(tmp_path, "bird", "prior (paper)", 1, seed=1)]
    )
    assert small.command.endswith(
        "--budget small --crop 64 --method 'prior (paper)' --seeds 2 --images bird"  # no baselines
    )
    every = ITEMS["curves"], "small", 128
    curves = Section(*every, [record(tmp_path, "image + noise", "hourglass", 1, item="curves")])
    assert curves.command.endswith("--budget small --images 'image + noise'")


def test_the_mean_of_two_runs_is_scored_as_an_image(tmp_path):
    dark, bright = np.full((8, 8, 3), 0.4), np.full((8, 8, 3), 0.62)
    for seed, image in enumerate((dark, bright)):
        images = {"prior (paper), average": image}
        records.append(
            tmp_path,
            record(
                tmp_path, "house", "prior (paper)", 20.0, item="denoising", seed=seed, images=images
            ),
        )
    (section,) = sections(tmp_path)
    cell = section.value("house", "prior (paper), average of 2 runs")
    assert cell.value == pytest.approx(40, abs=0.1)  # 0.51 is 0.01 off, each alone 20 dB
    assert section.cost("prior (paper), average of 2 runs")[:2] == (21.0, 200)
    assert (
        page.html(tmp_path, [section]).count("average of 2 runs") == 3
    )  # heading, picture, caption


def test_an_interrupted_run_is_marked_and_told(tmp_path):
    records.append(tmp_path, record(tmp_path, "bird", "prior (paper)", 31.0, complete=False))
    (section,) = sections(tmp_path)
    assert section.notes[0] == "† bird, prior (paper): interrupted at step 100, of 200"
    assert "31.00† / 31.80" in page.markdown([section])


def test_markdown_has_table_protocol_command_and_circumstances(folder):
    text = page.markdown(sections(folder))
    for part in (
        "## set5-x4, budget paper",
        "| bird | 31.00 / 31.80 | 31.00 | 30.20 / 30.20 | / 27.67 | / 30.43 |",
        "| **mean** | 28.50 / 29.02 | 28.50 | 30.20 (of 1) / 30.20 |",
        "| SSIM, mean | 0.500 | 0.500 | 0.500 |",
        "Protocol: Truth cropped",
        "    python -m benchmarks run set5-x4",
        "2026-01-02; a machine, cpu, 2 thread(s); torch 2.5",
    ):
        assert part in text
    assert re.search(r"\|\n\n+\|", text) is None  # an empty line would cut a table in two


def test_a_small_budget_says_so(tmp_path):
    records.append(tmp_path, record(tmp_path, "bird", "prior (fast)", 31.0, budget="small"))
    text = page.markdown(sections(tmp_path))
    assert "for orientation only" in text
    assert "dB to the paper" not in text
    assert (
        "| bird | 31.00 | 31.00 | / 27.67 | / 30.20 | / 30.43 | / 31.80 |" in text
    )  # the paper's own beside it


def test_the_page_embeds_everything(folder):
    text = page.html(folder, sections(folder))
    assert text.count("data:image/webp;base64,") == 2 * 2 + 5
    assert "<svg" in text
    assert re.search(r"(src|href)=\"(?!data:|#)", text) is None
    assert 'class="notable"' in text


def test_the_frontier_is_over_complete_runs_of_the_common_pictures(tmp_path):
    for picture in ("house", "f16"):
        for seed in (0, 1):
            records.append(
                tmp_path, record(tmp_path, picture, "prior (fast)", 29, item="frontier", seed=seed)
            )
        images = {"CBM3D": np.zeros((8, 8, 3))}
        records.append(
            tmp_path, record(tmp_path, picture, "CBM3D", 31, item="frontier", images=images)
        )
    records.append(
        tmp_path, record(tmp_path, "kodim03", "prior (fast)", 1, item="frontier", complete=False)
    )
    (section,) = sections(tmp_path)
    drawn = figures.frontier(section)
    assert "mean of house, f16" in drawn
    assert "CBM3D" in drawn
    assert "kodim03" not in drawn


def test_energies_are_drawn_of_the_first_seed(tmp_path):
    for seed in (0, 1):
        for name in structure.TARGETS:
            records.append(
                tmp_path, record(tmp_path, name, "hourglass", 20, item="curves", seed=seed)
            )
    (section,) = sections(tmp_path)
    (drawn,) = figures.of(section)
    assert drawn.count("shuffled") == 1
    assert len(section.verdicts) == 2


def test_figures_are_files_of_their_own(folder):
    page.write_figures(folder / "figures", sections(folder), overwrite=False)
    (path,) = (folder / "figures").iterdir()
    assert path.name == "set5-x4-paper-0-1.svg"
    assert path.read_text().startswith("<svg")


def test_only_what_is_below_the_marker_is_replaced(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"Our words.\n{page.MARKER.decode()}old")
    page.write_below_marker(path, "new\n", overwrite=False)
    assert path.read_text() == f"Our words.\n{page.MARKER.decode()}\nnew\n"
    other = tmp_path / "other.md"
    other.write_text("theirs")
    with pytest.raises(BadInput, match="exists"):
        page.write_below_marker(other, "new\n", overwrite=False)
    assert other.read_text() == "theirs"
