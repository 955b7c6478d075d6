"""Inverses of many covariances at once."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

DIRECT = 40  # rows of the matrices for LAPACK: products of halves are faster for larger ones
# of the root of the number of terms, times eps and the trace: half is too little where patches are
# all alike and there is no noise
ROUNDING = 2


def whitening(covariance: Tensor, terms: int) -> Tensor:
    """The inverse W of the Cholesky factor of M = `covariance` (N, n, n), lower triangular: W M W^T
    = I and M^-1 = W^T W. To the diagonal is added as much as rounding may have taken, for it to be
    positive definite. terms: how many products each element of M is the sum of.
    """
    real = torch.finfo(covariance.dtype)
    trace = covariance.diagonal(dim1=1, dim2=2).sum(dim=1)
    taken = ROUNDING * math.sqrt(terms) * real.eps * trace + real.tiny
    one = torch.eye(covariance.shape[-1]).to(covariance)
    return _inverse_factor(covariance + taken[:, None, None] * one)


def _inverse_factor(matrix: Tensor) -> Tensor:
    """By that of the first half and of its Schur complement."""
    n = matrix.shape[-1]
    if n <= DIRECT:
        # torch.linalg.cholesky waits until a graphics card says whether that went well
        factor = torch.linalg.cholesky_ex(matrix).L
        one = torch.eye(n, dtype=factor.dtype, device=factor.device)
        return torch.linalg.solve_triangular(factor, one, upper=False)
    half = n // 2
    first = _inverse_factor(matrix[:, :half, :half])
    below = matrix[:, half:, :half] @ first.mT
    second = _inverse_factor(matrix[:, half:, half:] - below @ below.mT)
    corner = -second @ (below @ first)
    upper = F.pad(first, (0, n - half))
    return torch.cat([upper, torch.cat([corner, second], dim=2)], dim=1)
