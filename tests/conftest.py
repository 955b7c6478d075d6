import pytest


@pytest.fixture
def quick_fills(monkeypatch):
    """Holes are filled roughly, in a tenth of the time: for tests of what does not depend on it."""
    monkeypatch.setattr("deep_image_prior.objectives.holdout.CUTS", ((8, 4, 3), (16, 8, 2)))
    monkeypatch.setattr("deep_image_prior.objectives.holdout.IMAGES", 4)
    monkeypatch.setattr("deep_image_prior.objectives.holdout.ROUNDS", ((5 / 255,),))
