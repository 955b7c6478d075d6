"""A physics of deepinv in `solve`, and `solve` as a reconstructor of deepinv (the extra peers)."""

import deepinv
import torch
from compare import Example, show, tensor
from skimage import data
from skimage.transform import resize

from deep_image_prior.reconstructor import DeepImagePrior

SIGMA = 0.02


def example(side: int = 256) -> Example:
    """A photograph under a Gaussian blur of 2 pixels, and noise."""
    truth = tensor(resize(data.camera() / 255, (side, side), anti_aliasing=True))
    physics = deepinv.physics.BlurFFT(
        img_size=tuple(truth.shape[1:]),
        filter=deepinv.physics.functional.gaussian_blur(sigma=2.0),
        noise_model=deepinv.physics.GaussianNoise(SIGMA, rng=torch.Generator().manual_seed(0)),
    )
    x0 = physics(truth)
    return Example("blur of deepinv", truth, x0, physics, SIGMA, {"x0": x0})


if __name__ == "__main__":
    blurred = example()
    show(blurred)
    model = DeepImagePrior(preset="fast")
    print(f"its reconstructor: PSNR {blurred.psnr(model(blurred.x0, blurred.operator)):.2f}")
