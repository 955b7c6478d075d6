"""What the page keeps in its folder."""

import json

from deep_image_prior.app.page.shelf import Shelf


def test_results_that_cannot_be_understood_stay_where_they_are(tmp_path, capsys):
    Shelf(tmp_path).close()
    older, damaged, unfinished = (tmp_path / "results" / name for name in ("000001", "2", "3"))
    for place in (older, damaged, unfinished):
        place.mkdir()
        (place / "made.png").write_bytes(b"a picture")
    (older / "job.json").write_text(json.dumps({"id": "000001"}))
    (damaged / "job.json").write_text("{")
    shelf = Shelf(tmp_path)
    assert not shelf.jobs
    assert (older / "made.png").is_file()
    assert (damaged / "made.png").is_file()
    assert not unfinished.exists(), "what was never described was never finished"
    said = capsys.readouterr().err
    assert str(older) in said
    assert str(damaged) in said
    shelf.close()
