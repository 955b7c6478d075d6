"""What a photographer does with the page, in a real browser."""

import io
import itertools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

pytestmark = pytest.mark.long

STATIC = Path(__file__).parents[2] / "src/deep_image_prior/app/page/static"
MOST = 150_000  # bytes of all that the page loads
DROP = """([bytes, names]) => {
    const dataTransfer = new DataTransfer();
    for (const name of names) dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
    window.dispatchEvent(new DragEvent("drop", { dataTransfer }));
}"""

LATE = """() => {
    const { send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.send = function (body) {
        const { onload } = this;
        this.onload = () => setTimeout(onload, 300);
        send.call(this, body);
    };
}"""  # the answer to an upload comes after the event that tells of the file


def opened(page: Any, path: Path) -> None:
    """The picture is open, and the one that is shown."""
    page.locator("#chooser").set_input_files(path)
    page.locator("#uploads .row", has_text=path.name).wait_for(state="detached")
    page.locator("#pictures .card[aria-current=true]", has_text=path.name).wait_for()


def asked(page: Any, task: str, /, **options: object) -> None:
    """The form of the task is filled in and sent."""
    page.get_by_role("radio", name=task).check()
    page.locator("#settings details").evaluate("each => { each.open = true }")
    for name, value in options.items():
        page.locator(f"#settings [name={name}]").fill(str(value))
    page.get_by_role("button", name="Restore", exact=True).click()


def stated(page: Any, words: str) -> None:
    """The job that is shown is in that state."""
    page.locator("#result .state", has_text=words).wait_for()


def downloaded(page: Any, name: str = "Download") -> bytes:
    with page.expect_download() as caught:
        page.get_by_role("link", name=name).first.click()
    return Path(caught.value.path()).read_bytes()


@pytest.fixture
def commanded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs `dip` with the arguments."""
    from deep_image_prior.app import cli

    def run(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["dip", *map(str, arguments), "--quiet"])
        assert not cli.run()

    return run


def dragged(page: Any, *points: tuple[float, float]) -> None:
    """Over the canvas, whose sides are 1."""
    box = page.locator("#canvas").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def painting(page: Any) -> None:
    """The mask of what is to be inpainted can be painted."""
    page.get_by_role("radio", name="inpaint").check()
    page.get_by_role("button", name="Paint...").click()
    page.locator("#brush").wait_for()


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_picture_is_restored_as_the_command_does_it(
    page: Any, photograph: Path, tmp_path: Path, commanded: Callable[..., None]
) -> None:
    opened(page, photograph)
    assert "48 x 48, gray, 16 bit" in page.locator("#pictures").inner_text()
    asked(page, "denoise", steps=30, seed=3)
    stated(page, "Done")
    assert "confidence" in page.locator("#result .confidence").inner_text().lower()
    result = downloaded(page)
    commanded("denoise", photograph, "--steps", 30, "--seed", 3, "-o", tmp_path / "out.png")
    assert result == (tmp_path / "out.png").read_bytes()

    page.locator("#moment").focus()
    page.keyboard.press("Home")
    page.get_by_role("link", name="Download with step 1").wait_for()
    moment = downloaded(page)
    assert pixels(moment).dtype == pixels(result).dtype == np.uint16
    assert Image.open(io.BytesIO(moment)).info == Image.open(io.BytesIO(result)).info
    assert not np.array_equal(pixels(moment), pixels(result))

    page.get_by_role("button", name="Back to the rule's choice").click()
    page.locator("#strength").fill("0.5")
    page.get_by_role("link", name="Download with strength 0.5").wait_for()
    before, after = pixels(photograph.read_bytes()), pixels(result)
    between = before.astype(float) + 0.5 * (after.astype(float) - before)
    assert np.abs(pixels(downloaded(page)) - between).max() <= 0.5
    record = downloaded(page, "Record of the run (JSON)")
    assert b'"seed": 3' in record


def test_what_is_painted_is_drawn_anew(
    page: Any, photograph: Path, tmp_path: Path, commanded: Callable[..., None]
) -> None:
    opened(page, photograph)
    painting(page)
    page.get_by_role("button", name="Use this mask").click()
    page.get_by_text("Nothing is painted yet").wait_for()
    dragged(page, (0.4, 0.3), (0.6, 0.35))
    page.locator("#canvas").focus()
    page.keyboard.down(" ")
    for _ in range(12):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.up(" ")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Save the mask").click()
    mask = pixels(Path(caught.value.path()).read_bytes())
    assert mask.shape == (48, 48)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 255}
    assert 0.01 < (mask == 0).mean() < 0.2
    (tmp_path / "mask.png").write_bytes(Path(caught.value.path()).read_bytes())

    page.get_by_role("button", name="Use this mask").click()
    page.locator("#settings").wait_for()
    asked(page, "inpaint", steps=20)
    stated(page, "Done")
    result = downloaded(page)
    made = tmp_path / "out.png"
    commanded("inpaint", photograph, tmp_path / "mask.png", "--steps", 20, "-o", made)
    assert result == made.read_bytes()
    known = mask == 255
    before = pixels(photograph.read_bytes())
    assert np.array_equal(pixels(result)[known], before[known])
    assert not np.array_equal(pixels(result)[~known], before[~known])


def test_strokes_are_erased_undone_swapped_and_read_again(page: Any, photograph: Path) -> None:
    opened(page, photograph)
    painting(page)

    def saved() -> Path:
        with page.expect_download() as caught:
            page.get_by_role("button", name="Save the mask").click()
        return Path(caught.value.path())

    def missing() -> np.ndarray[Any, Any]:
        return pixels(saved().read_bytes()) == 0

    dragged(page, (0.4, 0.3), (0.6, 0.3))
    first = missing()
    dragged(page, (0.4, 0.6), (0.6, 0.6))
    both = missing()
    assert first.sum() < both.sum()
    assert both[first].all()
    page.locator("#canvas").focus()
    page.keyboard.press("Control+z")
    assert np.array_equal(missing(), first)
    page.keyboard.press("Control+Shift+z")
    assert np.array_equal(missing(), both)
    page.get_by_role("radio", name="Eraser").check()
    dragged(page, (0.35, 0.6), (0.65, 0.6))
    assert np.array_equal(missing(), first)
    page.get_by_role("button", name="Swap missing and known").click()
    assert np.array_equal(missing(), ~first)
    page.get_by_role("button", name="Swap missing and known").click()
    mask = saved()
    page.get_by_role("button", name="Clear").click()
    with page.expect_response(re.compile("/view")):
        page.locator("#brush input[type=file]").set_input_files(mask)
    page.wait_for_timeout(200)  # it is decoded
    assert np.array_equal(missing(), first)


def test_stop_keeps_the_best(page: Any, photograph: Path) -> None:
    opened(page, photograph)
    asked(page, "denoise", steps=100000)
    page.locator("#result", has_text=re.compile(r"\d+ of 100000, about")).wait_for()
    page.get_by_role("button", name="Stop and keep the best").click()
    stated(page, "Stopped, the best so far is saved")
    assert pixels(downloaded(page)).shape == (48, 48)


def test_a_reload_and_a_second_tab_show_the_same(page: Any, photograph: Path) -> None:
    opened(page, photograph)
    asked(page, "denoise", steps=100000, seed=5)
    page.locator("#result", has_text=re.compile(r"\d+ of 100000")).wait_for()
    page.reload()
    page.locator("#result", has_text=re.compile(r"\d+ of 100000")).wait_for()
    second = page.context.new_page()
    second.goto(page.url)
    second.get_by_role("button", name="Pause").click()
    stated(page, "Paused")
    page.get_by_role("button", name="Resume").click()
    second.get_by_role("button", name="Pause").wait_for()
    for tab in (page, second):
        tab.on("dialog", lambda dialog: dialog.accept())
    second.locator("#result").get_by_role("button", name="Cancel", exact=True).click()
    stated(page, "Cancelled, nothing was saved")


def test_errors_are_said_where_they_belong(page: Any, photograph: Path, tmp_path: Path) -> None:
    lie = tmp_path / "lie.png"
    lie.write_bytes(b"GIF89a, or so it says")
    page.locator("#chooser").set_input_files(lie)
    page.locator("#uploads [role=alert]", has_text="lie.png").wait_for()
    opened(page, photograph)
    small = tmp_path / "small.png"
    Image.new("L", (8, 8)).save(small)
    page.get_by_role("radio", name="inpaint").check()
    page.locator("#settings input[type=file]").set_input_files(small)
    chosen = page.locator("#settings [name=mask] option:checked", has_text="small.png")
    chosen.wait_for(state="attached")
    page.get_by_role("button", name="Restore", exact=True).click()
    page.locator("#panel .error", has_text="must be of one size").first.wait_for()


def test_zoom_and_divider_follow_keys(page: Any, photograph: Path) -> None:
    opened(page, photograph)
    asked(page, "denoise", steps=5)
    stated(page, "Done")
    page.locator("#divider").focus()
    page.keyboard.press("Home")
    assert page.locator("#divider").get_attribute("aria-valuenow") == "0"
    page.locator("#canvas").focus()
    page.keyboard.press("1")
    zoom = page.get_by_label("Zoom", exact=True).locator("output")
    assert zoom.inner_text() == "100 %"
    for _ in range(2):
        page.keyboard.press("+")
    assert zoom.inner_text() == "200 %"
    shown = page.evaluate(
        """() => new Promise((done) => requestAnimationFrame(() => {
            const canvas = document.getElementById("canvas");
            const [x, y] = [canvas.width, canvas.height].map((each) => Math.round(each / 2 - 48));
            done([...canvas.getContext("2d").getImageData(x, y, 96, 96).data]);
        }))"""
    )
    seen = np.array(shown).reshape(96, 96, 4)[..., 0]
    result = pixels(downloaded(page)) / 257
    assert np.array_equal(seen, seen[::2, ::2].repeat(2, 0).repeat(2, 1))
    assert np.abs(seen[::2, ::2] - result).max() <= 0.5


def test_axe_finds_nothing_and_nothing_scrolls_sideways(page: Any, photograph: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.emulate_media(reduced_motion="reduce")

    def check() -> None:
        for width, scheme in itertools.product((400, 1280), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
            grave = [each for each in found if each["impact"] in ("serious", "critical")]
            assert not grave
            assert page.evaluate("document.documentElement.scrollWidth") <= width

    opened(page, photograph)
    page.get_by_role("radio", name="deblur").check()
    check()
    painting(page)
    check()
    page.get_by_role("button", name="Back", exact=True).click()
    asked(page, "denoise", steps=5)
    stated(page, "Done")
    check()


def test_a_large_picture_is_fetched_by_regions_and_painted(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.effect_noise((4000, 3000), 64).save(path, compress_level=1)
    opened(page, path)
    painting(page)
    page.locator("#brush input[type=range]").fill("60")
    dragged(page, (0.3, 0.4), (0.7, 0.5))
    with page.expect_response(re.compile("view.*width=(1|2)[0-9]{3}&")):
        page.get_by_role("button", name="1:1").click()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Save the mask").click()
    mask = pixels(Path(caught.value.path()).read_bytes())
    assert mask.shape == (3000, 4000)
    assert 0.001 < (mask == 0).mean() < 0.1


def test_several_are_queued_and_a_server_that_is_gone_is_said(
    browser: Any, start: Callable[[], Any], photograph: Path
) -> None:
    other = start()
    page = browser.new_page()
    page.goto(other.address)
    page.locator("#place", has_text=str(other.folder)).wait_for()
    page.evaluate(DROP, [list(photograph.read_bytes()), ["one.png", "two.png"]])
    page.locator("#pictures", has_text="two.png").wait_for()
    page.get_by_role("button", name="Restore all 2").click()
    page.locator("#jobs", has_text="Waiting, number 1").wait_for()
    other.process.kill()
    banner = page.locator("#banner")
    banner.wait_for()
    assert f"safe in {other.folder}" in banner.inner_text()
    page.close()


def test_the_page_is_small() -> None:
    assert sum(each.stat().st_size for each in STATIC.iterdir()) < MOST


def test_a_kernel_is_a_file(page: Any, photograph: Path, tmp_path: Path) -> None:
    kernel = tmp_path / "kernel.png"
    Image.new("L", (3, 3), 255).save(kernel)
    opened(page, photograph)
    page.get_by_role("radio", name="deblur").check()
    assert page.get_by_text("gaussian:SIGMA").is_visible()
    page.evaluate(LATE)
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Open a file for Kernel (psf)").click()
    chosen.value.set_files(kernel)
    kept = page.locator("#settings [id$=-file] option:checked", has_text="kernel.png")
    kept.wait_for(state="attached")
    asked(page, "deblur", steps=5)
    stated(page, "Done")


def test_before_is_the_page_that_was_restored(page: Any, tmp_path: Path) -> None:
    pages = np.stack([np.full((48, 48), 40, np.uint8), data.camera()[96:144, 200:248]])
    pages[0, ::3] = 200
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, pages, photometric="minisblack")
    opened(page, stack)
    views: list[str] = []
    page.on("request", lambda request: views.append(request.url))
    asked(page, "denoise", steps=5, page=2)
    stated(page, "Done")
    assert page.locator("#page").is_hidden()
    seen = [url for url in views if "api/files/" in url and "/view" in url]
    assert "page=2" in seen[-1]


def test_a_mask_wider_than_a_view_is_read_in_its_full_size(page: Any, tmp_path: Path) -> None:
    picture, mask = tmp_path / "wide.png", tmp_path / "wide-mask.png"
    wanted = np.random.default_rng(0).integers(0, 2, (40, 4200), np.uint8) * np.uint8(255)
    Image.new("L", (4200, 40), 128).save(picture)
    Image.fromarray(wanted).save(mask)
    opened(page, picture)
    painting(page)
    page.locator("#brush input[type=file]").set_input_files(mask)
    page.locator("#brush button:enabled", has_text="Undo").wait_for()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Save the mask").click()
    assert np.array_equal(pixels(Path(caught.value.path()).read_bytes()), wanted)


def test_long_names_and_refused_files_leave_room_for_the_picture(
    page: Any, photograph: Path, tmp_path: Path
) -> None:
    named = tmp_path / f"{'a_long_name_' * 9}.png"
    named.write_bytes(photograph.read_bytes())
    opened(page, named)
    refused = [tmp_path / f"text-{at}.png" for at in range(8)]
    for path in refused:
        path.write_text("no picture")
    page.locator("#chooser").set_input_files(refused)
    page.locator("#uploads [role=alert]", has_text=refused[-1].name).wait_for(state="attached")
    for width, height in ((1280, 800), (1280, 500), (400, 800)):
        page.set_viewport_size({"width": width, "height": height})
        view, bar, strip = (
            page.locator(name).bounding_box() for name in ("#view", "#bar", "#strip")
        )
        assert view["height"] >= height / 2
        assert view["y"] + view["height"] <= bar["y"]
        assert bar["y"] + bar["height"] <= strip["y"]
        assert strip["height"] < 240
    for path in refused:
        page.get_by_role("button", name=f"Dismiss {path.name}").click()
    assert page.locator("#uploads > *").count() == 0
    assert page.locator("#pictures b", has_text=named.name).get_attribute("title") == named.name


def test_a_double_click_is_one_wish(page: Any, photograph: Path) -> None:
    opened(page, photograph)
    asked(page, "denoise", steps=5)
    stated(page, "Done")
    jobs, done = page.locator("#jobs .job"), page.locator("#jobs .job.done")
    before, more = jobs.count(), done.count()
    page.get_by_role("button", name="Run again").dblclick()
    done.nth(more).wait_for()
    assert jobs.count() == before + 1


def test_what_is_waited_for_is_said_over_the_picture(page: Any, photograph: Path) -> None:
    opened(page, photograph)
    asked(page, "denoise", steps=100000, seed=7)
    page.get_by_role("button", name="Change settings").click()
    asked(page, "denoise", steps=5, seed=8)
    page.locator("#yet", has_text="Nothing to see yet: waiting, number 1.").wait_for()
    page.locator("#jobs .card").nth(1).click()
    page.locator("#result", has_text=re.compile(r"\d+ of 100000")).wait_for()
    page.locator("#yet").wait_for(state="hidden")
