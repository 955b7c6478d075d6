import psutil

from deep_image_prior.available import SHARE, available


def test_a_container_leaves_less(tmp_path):
    assert available(tmp_path) > 2**20, "no container"
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("100\n")
    assert available(tmp_path) > 2**20, "no limit"
    (tmp_path / "memory.max").write_text("1000\n")
    assert available(tmp_path) == int(SHARE * 900)
    (tmp_path / "memory.current").write_text("2000\n")
    assert available(tmp_path) == 0


def test_a_machine_leaves_a_share(monkeypatch, tmp_path):
    machine = type("Machine", (), {"available": 1000})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    assert available(tmp_path) == 800
