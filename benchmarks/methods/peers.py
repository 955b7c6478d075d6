"""Untrained peers: other networks that see one image only."""

import time
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..problems import Problem
from .method import Contender, Effort, Outcome
from .prior import pixels, tensor


def _conv_decoder(problem: Problem, effort: Effort) -> Outcome:
    """deepinv's DeepImagePrior with its ConvDecoder: 64 channels, a code of 2 x 2, 2500 steps of
    Adam at 0.01.
    """
    from deepinv.models import ConvDecoder, DeepImagePrior
    from deepinv.physics import Denoising

    observation = tensor(problem.observation, effort.device)
    size = tuple(observation.shape[1:])
    steps = max(1, round(effort.share * 2500))
    start = time.perf_counter()
    with torch.random.fork_rng(devices=[]):  # it draws from the generator of the process
        torch.manual_seed(effort.seed)
        network = ConvDecoder(size, in_size=(2, 2), channels=64).to(effort.device)
        image = DeepImagePrior(network, img_size=(64, 2, 2), iterations=steps)(
            observation, Denoising()
        )
    return Outcome(
        {"": pixels(image.detach())}, time.perf_counter() - start, steps, f"budget: {steps} steps"
    )


conv_decoder = Contender(_conv_decoder, cost=15_000, share=0.1, random=True, needs="deepinv")


class _Residual(nn.Sequential):
    """The noise in an image: two 3 x 3 convolutions of 48 channels, and one of 1 x 1."""

    def __init__(self, channels: int, width: int = 48) -> None:
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, channels, 1),
        )


def _halves(image: Tensor) -> tuple[Tensor, Tensor]:
    """The means of the two diagonals of every 2 x 2 pixels: two images of half the size, their
    noise independent.
    """
    diagonal = torch.eye(2).to(image).expand(image.shape[1], 1, 2, 2) / 2
    apply = partial(F.conv2d, image, stride=2, groups=image.shape[1])
    return apply(diagonal.flip(-1)), apply(diagonal)


def _zero_shot(problem: Problem, effort: Effort) -> Outcome:
    """Zero-shot Noise2Noise (Mansour, Heckel 2023, doi:10.1109/CVPR52729.2023.01347): 2000 steps of
    Adam at 0.001, halved after 1000; each half predicts the other, and predicting and halving
    commute.
    """
    noisy = tensor(problem.observation, effort.device)
    steps = max(1, round(effort.share * 2000))
    start = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(effort.seed)
        noise = _Residual(noisy.shape[1]).to(effort.device)
    optimiser = torch.optim.Adam(noise.parameters(), lr=0.001)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, max(1, steps // 2), gamma=0.5)
    first, second = _halves(noisy)
    for _ in range(steps):
        clean_first, clean_second = first - noise(first), second - noise(second)
        halves = _halves(noisy - noise(noisy))
        residual = F.mse_loss(clean_first, second) + F.mse_loss(clean_second, first)
        consistency = F.mse_loss(clean_first, halves[0]) + F.mse_loss(clean_second, halves[1])
        optimiser.zero_grad()
        ((residual + consistency) / 2).backward()
        optimiser.step()
        schedule.step()
    image = pixels((noisy - noise(noisy)).detach())
    return Outcome({"": image}, time.perf_counter() - start, steps, f"budget: {steps} steps")


zero_shot = Contender(_zero_shot, cost=2000, share=0.5, random=True)
