"""The functions of the tasks: what they say of themselves."""

import inspect
import subprocess
import sys
from dataclasses import MISSING, fields, replace

import pytest
from helpers import photograph

import deep_image_prior as dip
from deep_image_prior import functions
from deep_image_prior.functions import TASKS
from deep_image_prior.options import declared
from deep_image_prior.settings import Settings
from deep_image_prior.tasks import Damage, Restoration


@pytest.mark.parametrize("name", TASKS)
def test_every_option_is_in_the_signature_and_in_the_documentation(name):
    function, kind = getattr(dip, name), TASKS[name]
    assert function.__name__ == name
    parameters = inspect.signature(function).parameters
    for each in fields(kind):
        found = parameters[each.name]
        default = inspect.Parameter.empty if each.default is MISSING else each.default
        assert found.default is default or found.default == default
        assert f"\n{each.name} : " in function.__doc__
        assert declared(kind)[each.name].help.split(". ")[0][:40] in function.__doc__
    assert "Returns\n-------\nResult" in function.__doc__


def test_every_setting_is_an_option_of_every_task():
    for kind in TASKS.values():
        assert {each.name for each in fields(Settings)} <= {each.name for each in fields(kind)}


@pytest.mark.parametrize("name", TASKS)
def test_the_presets_have_the_names_and_steps_that_are_said(name):
    kind = TASKS[name]
    given = {"mask": None, "guide": None, "factor": 4, "psf": "disk:2"}
    if name == "solve":
        presets = kind(None, (8, 8)).presets()
    elif not issubclass(kind, Restoration):
        presets = sys.modules[kind.__module__].presets()
    else:
        needed = [each.name for each in fields(kind) if each.default is MISSING]
        task = kind(**{each: given[each] for each in needed})
        presets = task.presets(Damage(), (64, 64))
    steps = {key: preset.settings.steps for key, preset in presets.items()}
    assert steps == kind.steps_of


def test_an_image_may_be_given_by_name_and_a_preset_as_a_value():
    with pytest.raises(dip.BadInput, match="give channel_axis for colours"):
        dip.denoise(image=[])
    with pytest.raises(dip.BadInput, match="preset is a list; give one of fast, best, paper, or"):
        dip.denoise([[0.0, 1.0], [0.5, 0.2]], preset=["fast"])
    preset = functions.TASKS["enhance"]().presets(Damage(), (8, 8))["fast"]
    short = replace(preset, settings=replace(preset.settings, steps=2))
    result = dip.enhance(photograph(16)[..., 0], preset=short)
    assert result.steps == [2]


def test_what_brings_torch_waits_until_there_is_work():
    code = "import sys; from deep_image_prior.app import cli; print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "False\n"
