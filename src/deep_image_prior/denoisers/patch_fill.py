"""Holes filled with patches of what is known."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .fill import halve_known, pyramid_fill

EXACT = 2**27  # pairs of patches up to which all are compared; of more, a few candidates each
COMPONENTS = 60  # principal ones that patches are compared by, where all are
ROUNDS = 4  # of search and vote at each scale
REACHES = (1, 4, 1)  # pixels to the neighbours whose sources are candidates
NEAR = torch.tensor([[0, 1], [1, 0], [0, -1], [-1, 0]])
DRAWN = 2  # candidates drawn at random for each of them
MIDDLE = 7  # pixels a side of the patches that a mean of fills is made of
# of white: the difference of all values of a patch that it counts for if it lies a pixel farther
# off; without it what is flat and far fills what is blurred at first
NEARBY = 0.0025
FADING = 1.3  # by which a patch counts less for every pixel that it lies deeper in the hole
CHUNK = 2**13  # patches worked on at a time
LEAST = 3  # times the size of a patch: the shorter side of the coarsest scale
FINE = 2  # scales at which a fill that is given is followed


@torch.no_grad()
def patch_fill(
    image: Tensor, known: Tensor, size: int = MIDDLE, start: Tensor | None = None
) -> Tensor:
    """`image` (1, C, H, W), its missing pixels (`known` (1, 1, H, W) is 0) means of known patches.

    In turns every patch of `size` x `size` pixels that touches a hole finds the known one that is
    most like it and not far off, and every missing pixel becomes the mean of what those have there;
    from coarse to fine, where the first fill is smooth. Without a patch that is known as a whole it
    stays so. start: a fill (1, C, H, W) that is to be made of known patches, at the finest scales
    alone.

    Wexler, Shechtman and Irani 2007, doi:10.1109/TPAMI.2007.60; the search: Barnes et al. 2009,
    doi:10.1145/1531326.1531330.
    """
    generator, device = Generator().manual_seed(0), image.device
    image, known = (image * known).cpu(), known.cpu()  # lists of places suit a processor
    smooth = pyramid_fill(image, known)
    if min(image.shape[-2:]) < size:
        return smooth.to(device)
    scales = [(image, known)]
    while _deep(scales[-1][1], size) and not (start is not None and len(scales) == FINE):
        scales.append(halve_known(*scales[-1]))
    coarse, filled = None, smooth
    for number in reversed(range(len(scales))):
        level = _Scale(*scales[number], size, generator, apart=2**number)
        if not (len(level.targets) and len(level.places)):
            coarse, filled = None, smooth
            continue
        if coarse is not None:
            filled = level.continued(coarse)
        elif start is None:
            filled = pyramid_fill(*scales[number])
        else:
            filled = F.avg_pool2d(start.cpu(), 2**number, ceil_mode=True)
        for _ in range(ROUNDS):
            filled = level.refilled(filled)
        coarse = level
    return filled.to(device)


@torch.no_grad()
def consensus_fill(
    image: Tensor, known: Tensor, sizes: Sequence[int], beside: Sequence[Tensor] = ()
) -> Tensor:
    """Fills of `image` (1, C, H, W) where `known` (1, 1, H, W) is 0: one made of known patches that
    is near the mean of all the others, and those: of patches of `sizes`, and `beside` them
    others'; (1 + K, C, H, W).

    Where fills agree they are right more often; their mean alone shows ghosts where they do not.
    """
    fills = [*(patch_fill(image, known, size) for size in sizes), *beside]
    mean = torch.stack(fills).mean(dim=0)
    return torch.cat([patch_fill(image, known, MIDDLE, start=mean), *fills])


class _Scale:
    """A picture (1, C, H, W) at one scale. targets: the patches that touch a hole, (n, 2), by
    their first row and column; places: those that are known, (m, 2); sources: one of them for
    each target. apart: pixels of the picture from one pixel here to the next.
    """

    def __init__(
        self, image: Tensor, known: Tensor, size: int, generator: Generator, apart: int
    ) -> None:
        self.image, self.known, self.size, self.generator = image, known, size, generator
        self.whole = (F.max_pool2d(1 - known, size, stride=1) == 0)[0, 0]  # (H', W')
        self.places, self.targets = self.whole.nonzero(), (~self.whole).nonzero()
        self.last = torch.tensor(self.whole.shape) - 1
        self.sources = torch.empty(0)
        self.farther = NEARBY * apart * size * image.shape[1] ** 0.5  # by a pixel here
        depth = _depth(known)[0, 0]
        middles = self.targets + size // 2
        self.trust = FADING ** -depth[tuple(middles.T)]

    def continued(self, coarse: "_Scale") -> Tensor:
        """The image made of the sources of the scale of half the resolution."""
        moves = torch.zeros((*coarse.whole.shape, 2), dtype=torch.long)
        moves[tuple(coarse.targets.T)] = coarse.sources - coarse.targets
        # where the middle of a target lies there
        half = ((self.targets - self.size // 2).clamp_min(0) // 2).minimum(coarse.last)
        self.sources = self._allowed(self.targets + 2 * moves[tuple(half.T)])
        return self._vote(self.trust)

    def refilled(self, filled: Tensor) -> Tensor:
        """The image after one search in `filled`, and one vote."""
        patches = _patches(filled, self.size)
        if len(self.targets) * len(self.places) <= EXACT:
            self.sources = self._nearest(patches)
        else:
            self._propagate(patches)
        apart = self._distances(patches, self.sources)
        weights = self.trust * (-apart / (2 * _quartile(apart))).exp()
        return self._vote(weights)

    def _nearest(self, patches: Tensor) -> Tensor:
        some = self.places[:: max(1, len(self.places) // CHUNK)]
        some = patches[tuple(some.T)].flatten(1)
        middle = some.mean(dim=0)
        covariance = (some - middle).T @ (some - middle)
        axes = torch.linalg.eigh(covariance).eigenvectors[:, -COMPONENTS:]

        def seen(places: Tensor) -> Tensor:
            parts = places.split(CHUNK)
            rows = [
                torch.cat([(patches[tuple(p.T)].flatten(1) - middle) @ axes, self.farther * p], 1)
                for p in parts
            ]
            return torch.cat(rows)

        known = seen(self.places)
        norms = known.square().sum(dim=1) / 2
        found = [
            (norms - wanted @ known.T).argmin(dim=1)
            for wanted in seen(self.targets).split(max(1, EXACT // 8 // len(known)))
        ]
        return self.places[torch.cat(found)]

    def _propagate(self, patches: Tensor) -> None:
        """Tries what the sources of neighbours lead to, and random places."""
        if not len(self.sources):
            self.sources = self._drawn()
        best = self._distances(patches, self.sources)
        index = torch.full(self.whole.shape, -1)
        index[tuple(self.targets.T)] = torch.arange(len(self.targets))
        for reach in REACHES:
            for step in reach * NEAR:
                beside = (self.targets + step).clamp_min(0).minimum(self.last)
                at = index[tuple(beside.T)]
                tried = self.sources[at] - step
                best = self._better(patches, self._allowed(tried, at >= 0), best)
            for _ in range(DRAWN):
                best = self._better(patches, self._drawn(), best)

    def _better(self, patches: Tensor, tried: Tensor, best: Tensor) -> Tensor:
        apart = self._distances(patches, tried)
        self.sources = torch.where((apart < best)[:, None], tried, self.sources)
        return apart.minimum(best)

    def _distances(self, patches: Tensor, sources: Tensor) -> Tensor:
        """|patch of a target - patch of its source|^2, and what their places count for, (n,)."""
        pairs = zip(self.targets.split(CHUNK), sources.split(CHUNK), strict=True)
        apart = (patches[tuple(a.T)] - patches[tuple(b.T)] for a, b in pairs)
        unlike = torch.cat([each.square().flatten(1).sum(dim=1) for each in apart])
        return unlike + (self.farther * (self.targets - sources)).square().sum(dim=1)

    def _vote(self, weights: Tensor) -> Tensor:
        """Missing pixels are the means of the sources of all targets over them, by weight (n,)."""
        patches = _patches(torch.cat([self.image, torch.ones_like(self.known)], dim=1), self.size)
        channels, height, width = patches.shape[-1] // self.size, *self.known.shape[-2:]
        sums = self.image.new_zeros((height * width, channels))  # the last channel: of the weights
        corner = torch.arange(self.size)
        inside = (corner[:, None] * width + corner).flatten()
        parts = (each.split(CHUNK) for each in (self.targets, self.sources, weights))
        for target, source, weight in zip(*parts, strict=True):
            at = (target[:, :1] * width + target[:, 1:] + inside).flatten()
            values = patches[tuple(source.T)].reshape(len(target), -1, channels)
            sums.index_add_(0, at, (weight[:, None, None] * values).flatten(0, 1))
        means = sums[:, :-1] / sums[:, -1:].clamp_min(1e-30)
        return torch.where(self.known > 0, self.image, means.T.reshape(self.image.shape))

    def _allowed(self, sources: Tensor, told: Tensor | None = None) -> Tensor:
        """`sources` where those are known patches, and `told`; or else places drawn at random."""
        inside = sources.clamp_min(0).minimum(self.last)
        allowed = self.whole[tuple(inside.T)] & (inside == sources).all(dim=1)
        if told is not None:
            allowed &= told
        return torch.where(allowed[:, None], sources, self._drawn())

    def _drawn(self) -> Tensor:
        drawn = torch.randint(len(self.places), (len(self.targets),), generator=self.generator)
        return self.places[drawn]


def _patches(image: Tensor, size: int) -> Tensor:
    """Every patch of (1, C, H, W), a view (H', W', size, size C)."""
    _, channels, height, width = image.shape
    rows = image[0].permute(1, 2, 0).contiguous()
    shape = (height - size + 1, width - size + 1, size, size * channels)
    return rows.as_strided(shape, (width * channels, channels, width * channels, 1))


def _quartile(values: Tensor) -> Tensor:
    """What three quarters of them are below, and not 0."""
    return values.kthvalue(3 * len(values) // 4 + 1).values.clamp_min(1e-8)


def _depth(known: Tensor) -> Tensor:
    """Pixels to what is known, (1, 1, H, W), diagonal ones as one."""
    depth, near = torch.zeros_like(known), known
    while not near.all():
        depth = depth + (1 - near)
        near = F.max_pool2d(near, 3, stride=1, padding=1)
    return depth


def _deep(known: Tensor, size: int) -> bool:
    """Whether some missing pixel is farther than a patch from all that is known."""
    if min(known.shape[-2:]) < 2 * LEAST * size:
        return False
    return F.max_pool2d(known, size, stride=1, padding=size // 2).min().item() == 0
