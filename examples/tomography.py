"""Tomography with few angles: A a sparse matrix, the Radon transform of scikit-image."""

import numpy as np
import torch
from compare import Example, noise, show, tensor
from numpy.typing import NDArray
from scipy import sparse
from skimage import data
from skimage.transform import iradon, resize

ANGLES = 30


def radon_matrix(side: int, degrees: NDArray[np.float64]) -> sparse.csr_array:
    """Sums along the rows of the image, turned by each angle and interpolated linearly, as
    `skimage.transform.radon` makes them: (angles * side, side^2).
    """
    rows, columns = np.mgrid[:side, :side] - side // 2
    parts = []
    for k, angle in enumerate(np.deg2rad(degrees)):
        down = -np.sin(angle) * columns + np.cos(angle) * rows + side // 2
        right = np.cos(angle) * columns + np.sin(angle) * rows + side // 2
        for y in (np.floor(down), np.floor(down) + 1):
            for x in (np.floor(right), np.floor(right) + 1):
                weight = (1 - abs(down - y)) * (1 - abs(right - x))
                inside = (y >= 0) & (y < side) & (x >= 0) & (x < side) & (weight > 0)
                ray, pixel = k * side + columns + side // 2, (y * side + x).astype(int)
                parts.append((weight[inside], ray[inside], pixel[inside]))
    values, ray, pixel = (np.concatenate(each) for each in zip(*parts, strict=True))
    return sparse.csr_array((values, (ray, pixel)), shape=(len(degrees) * side, side**2))


def example(side: int = 256, name: str = "camera") -> Example:
    """A photograph or Shepp and Logan's phantom in a disc, noise of 1 % of the longest ray."""
    picture = data.camera() if name == "camera" else data.shepp_logan_phantom()
    rows, columns = np.mgrid[:side, :side] - side // 2
    disc = (rows**2 + columns**2 < (side // 2) ** 2).astype(float)
    picture = resize(picture.astype(float), (side, side), anti_aliasing=True) / picture.max()
    truth = tensor(disc * picture)
    degrees = np.arange(ANGLES) * 180 / ANGLES
    matrix = radon_matrix(side, degrees)
    clean = torch.from_numpy(matrix @ truth.numpy().ravel()).float()
    sigma = 0.01 * clean.max().item()
    x0 = clean + noise(clean, sigma)
    sinogram = x0.numpy().reshape(ANGLES, side).T
    rivals = {"filtered back-projection": tensor(iradon(sinogram, degrees, output_size=side))}
    support = torch.from_numpy(disc).float()
    return Example(f"tomography of {name}", truth, x0, matrix, sigma, rivals, support)


if __name__ == "__main__":
    for name in ("camera", "phantom"):
        show(example(name=name))
