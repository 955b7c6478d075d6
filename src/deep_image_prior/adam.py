"""Adam: theta <- theta - rate * m / (sqrt(v) + eps), m and v running means of the gradient and of
its square, each without its weight of the zero it began with (Kingma and Ba 2015, arXiv:1412.6980).

The rule itself is torch's, all weights in one call. Its class would take two seconds to import a
compiler that is not used.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam

BETAS, EPS = (0.9, 0.999), 1e-8  # as published


class Adam:
    """The descent of `parameters`; moments: what it goes on from, to be kept and brought back."""

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.moments = {
            "mean": [*map(torch.zeros_like, self.parameters)],
            "square": [*map(torch.zeros_like, self.parameters)],
            "steps": [torch.zeros((), device=each.device) for each in self.parameters],
        }

    @torch.no_grad()
    def step(self) -> None:
        """One step by the gradients, where there are any."""
        gradients = {k: p.grad for k, p in enumerate(self.parameters) if p.grad is not None}
        mean, square, steps = ([each[k] for k in gradients] for each in self.moments.values())
        adam(
            [self.parameters[k] for k in gradients],
            [*gradients.values()],
            mean,
            square,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.learning_rate,
            weight_decay=0.0,
            eps=EPS,
            maximize=False,
        )

    def forget_gradient(self) -> None:
        """Before the next one is made."""
        for each in self.parameters:
            each.grad = None
