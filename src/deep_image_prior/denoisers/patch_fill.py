"""Holes filled with patches of what is known."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .fill import pyramid_fill

EXACT = 2**25  # pairs of patches up to which all are compared; of more, a few candidates each
ROUNDS = 6  # of search and vote at each level
REACHES = (1, 4, 1)  # pixels to the neighbours whose sources are tried in a search
NEAR = torch.tensor([[0, 1], [1, 0], [0, -1], [-1, 0]])
DRAWN = 2  # sources drawn at random in each
FADING = 1.3  # by which a patch counts less for every pixel that it lies deeper in the hole
CHUNK = 2**13  # patches that are compared at a time
SMALLEST = 3  # times the size of a patch: the shorter side of the coarsest level


@torch.no_grad()
def patch_fill(image: Tensor, known: Tensor, size: int = 7, seed: int = 0) -> Tensor:
    """`image` (1, C, H, W), its missing pixels (`known` (1, 1, H, W) is 0) means of known patches.

    In turns every patch of `size` x `size` pixels that touches a hole finds the known one that is
    nearest to it, and every missing pixel becomes the mean of what those have there; from coarse
    to fine, where the first fill is smooth. Without a patch that is known as a whole it stays so.
    seed: of the candidates in the search.

    Wexler, Shechtman and Irani 2007, doi:10.1109/TPAMI.2007.60; the search: Barnes et al. 2009,
    doi:10.1145/1531326.1531330.
    """
    generator = Generator().manual_seed(seed)
    image = image * known
    levels = [(image, known)]
    while _deep(levels[-1][1], size):
        levels.append(_halved(*levels[-1]))
    coarse, filled = None, pyramid_fill(image, known)
    for image, known in reversed(levels):
        level = Level(image, known, size, generator)
        if not level.usable:
            continue
        filled = pyramid_fill(image, known) if coarse is None else level.vote_of(coarse)
        for _ in range(ROUNDS):
            filled = level.voted(filled)
        coarse = level
    return filled


class Level:
    """One scale of a picture (1, C, H, W): its targets, the patches that touch a hole, and the
    source of each, a patch that is known; both by their first row and column.
    """

    def __init__(self, image: Tensor, known: Tensor, size: int, generator: Generator) -> None:
        self.size, self.generator = size, generator
        self.image, self.known = image, known
        whole = 1 - F.max_pool2d(1 - known, size, stride=1)[0, 0]  # of patches, (H', W')
        self.positions = torch.tensor(whole.shape)
        self.allowed = whole > 0
        self.targets, self.places = (~self.allowed).nonzero(), self.allowed.nonzero()
        self.usable = len(self.targets) > 0 and len(self.places) > 0
        self.sources: Tensor | None = None
        # a patch that lies deeper in the hole counts less
        depth = _depth(known)[..., size // 2 :, size // 2 :][0, 0, : whole.shape[0], : whole.shape[1]]
        self.trust = FADING ** -depth[tuple(self.targets.T)]

    def vote_of(self, coarse: "Level") -> Tensor:
        """The image that the sources of the level of half the resolution make."""
        assert coarse.sources is not None
        offsets = torch.full((*coarse.positions, 2), 0)
        offsets[tuple(coarse.targets.T)] = coarse.sources - coarse.targets
        half = ((self.targets - self.size // 2).clamp_min(0) // 2).minimum(coarse.positions - 1)
        self.sources = self._valid(self.targets + 2 * offsets[tuple(half.T)])
        return self._vote(torch.zeros(len(self.targets)))

    def voted(self, filled: Tensor) -> Tensor:
        """The image after one more search and vote."""
        return self._vote(self._search(_patches(filled, self.size)))

    def _search(self, patches: Tensor) -> Tensor:
        """Finds sources nearer to the `patches` (H', W', size, size C) at the targets; how far they
        are now, (n,).
        """
        if len(self.targets) * len(self.places) <= EXACT:
            return self._nearest(patches)
        if self.sources is None:
            self.sources = self._drawn()
        best = self._distances(patches, self.sources)
        index = torch.full(tuple(self.positions), -1)
        index[tuple(self.targets.T)] = torch.arange(len(self.targets))
        for reach in REACHES:
            for step in reach * NEAR:
                beside = (self.targets + step).clamp_min(0).minimum(self.positions - 1)
                at = index[tuple(beside.T)]
                tried = self._valid(self.sources[at] - step, (at >= 0)[:, None])
                best = self._better(patches, tried, best)
            for _ in range(DRAWN):
                best = self._better(patches, self._drawn(), best)
        return best

    def _better(self, patches: Tensor, tried: Tensor, best: Tensor) -> Tensor:
        assert self.sources is not None
        distances = self._distances(patches, tried)
        nearer = distances < best
        self.sources = torch.where(nearer[:, None], tried, self.sources)
        return torch.where(nearer, distances, best)

    def _nearest(self, patches: Tensor) -> Tensor:
        """The same by comparing all."""
        known = patches[tuple(self.places.T)].flatten(1)
        norms = known.square().sum(dim=1) / 2
        found = []
        for targets in self.targets.split(max(1, EXACT // len(known))):
            wanted = patches[tuple(targets.T)].flatten(1)
            found.append((norms - wanted @ known.T).argmin(dim=1))
        self.sources = self.places[torch.cat(found)]
        return self._distances(patches, self.sources)

    def _distances(self, patches: Tensor, sources: Tensor) -> Tensor:
        pairs = zip(self.targets.split(CHUNK), sources.split(CHUNK), strict=True)
        apart = [
            (patches[tuple(a.T)] - patches[tuple(b.T)]).square().flatten(1).sum(dim=1)
            for a, b in pairs
        ]
        return torch.cat(apart)

    def _vote(self, distances: Tensor) -> Tensor:
        assert self.sources is not None
        patches = _patches(self.image, self.size)
        *_, width = self.image.shape
        scale = distances.quantile(0.75).clamp_min(1e-8) if len(distances) < 2**24 else distances.mean()
        weights = self.trust * (-distances / (2 * scale)).exp()
        channels = self.image.shape[1]
        total = torch.zeros(self.image[0, 0].numel(), channels + 1)
        corner = torch.arange(self.size)
        inside = (corner[:, None] * width + corner).flatten()
        for at, source, weight in zip(
            *(each.split(CHUNK) for each in (self.targets, self.sources, weights)), strict=True
        ):
            values = patches[tuple(source.T)].reshape(len(at), -1, channels)
            values = torch.cat([values, torch.ones_like(values[..., :1])], dim=-1)
            places = (at @ torch.tensor([width, 1]))[:, None] + inside
            total.index_add_(0, places.flatten(), (weight[:, None, None] * values).flatten(0, 1))
        mean = total[:, :-1] / total[:, -1:].clamp_min(1e-30)
        mean = mean.T.reshape(self.image.shape)
        return torch.where(self.known > 0, self.image, mean)

    def _valid(self, sources: Tensor, known: Tensor | bool = True) -> Tensor:
        """`sources`, and places drawn at random where those are no known patches."""
        inside = sources.clamp_min(0).minimum(self.positions - 1)
        allowed = self.allowed[tuple(inside.T)][:, None] & (inside == sources).all(1, True) & known
        return torch.where(allowed, inside, self._drawn())

    def _drawn(self) -> Tensor:
        drawn = torch.randint(len(self.places), (len(self.targets),), generator=self.generator)
        return self.places[drawn]


def _patches(image: Tensor, size: int) -> Tensor:
    """Every patch of (1, C, H, W), (H', W', size, size C), a view where that can be."""
    _, channels, height, width = image.shape
    rows = image[0].permute(1, 2, 0).contiguous()
    shape = (height - size + 1, width - size + 1, size, size * channels)
    return rows.as_strided(shape, (width * channels, channels, width * channels, 1))


def _depth(known: Tensor) -> Tensor:
    """How many pixels from all that is known every pixel is, (1, 1, H, W)."""
    depth, left = torch.zeros_like(known), known
    while not left.all():
        depth = depth + (1 - left)
        left = F.max_pool2d(left, 3, stride=1, padding=1)
    return depth


def _deep(known: Tensor, size: int) -> bool:
    """Whether some missing pixel is farther than a patch from all that is known."""
    if min(known.shape[-2:]) < 2 * SMALLEST * size:
        return False
    return F.max_pool2d(known, size, stride=1, padding=size // 2).min().item() == 0


def _halved(image: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Means of the known of 2 x 2 pixels, and where there are any."""
    share = F.avg_pool2d(known, 2, ceil_mode=True)
    means = F.avg_pool2d(image * known, 2, ceil_mode=True) / share.clamp_min(1e-6)
    return means, (share > 0).to(known)
