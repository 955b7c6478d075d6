"""Every figure and table, by name."""

from . import (
    camera,
    classifier,
    compression,
    correlated,
    deblur,
    denoising,
    detail,
    editing,
    enlargements,
    inpainting,
    operators,
    pairs,
    palettes,
    scale,
    stops,
    structure,
    superresolution,
    uncertainty,
)
from .item import BUDGETS, Budget, Item, column

ITEMS: dict[str, Item] = {
    item.name: item
    for item in (
        structure.curves,
        structure.samples,
        denoising.denoising,
        *denoising.unclipped,
        denoising.noises,
        denoising.precision,
        compression.jpeg,
        compression.files,
        compression.artefacts,
        palettes.palettes,
        *superresolution.tables,
        superresolution.prior_effect,
        enlargements.enlargements,
        deblur.deblur,
        *inpainting.random,
        inpainting.text,
        inpainting.wide,
        inpainting.holes,
        editing.enhancement,
        detail.detail,
        editing.flash,
        pairs.pairs,
        denoising.frontier,
        scale.scale,
        stops.stops,
        camera.camera,
        camera.paper,
        correlated.correlated,
        operators.operators,
        uncertainty.uncertainty,
        classifier.inversion,
        classifier.maximisation,
    )
}

__all__ = ["BUDGETS", "ITEMS", "Budget", "Item", "column"]
