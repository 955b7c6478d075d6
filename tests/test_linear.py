"""Every kind of operator gives a differentiable A whose gradient is its adjoint."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import check_linear_operator
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from deep_image_prior import BadInput
from deep_image_prior.energies import squared_error
from deep_image_prior.operators import Linear, differentiable, linear

SHAPE = (6, 8)
MATRIX = sparse.random(30, 48, 0.3, random_state=0).toarray()


def physics():
    """What a deepinv physics has."""
    return SimpleNamespace(
        A=lambda x: x[..., ::2], A_adjoint=lambda y: y.repeat_interleave(2, -1) * EVEN
    )


EVEN = torch.tensor([1.0, 0.0]).repeat(4)
KINDS = {
    "array": (MATRIX, (30,)),
    "sparse matrix": (sparse.csr_array(MATRIX), (30,)),
    "SciPy LinearOperator": (aslinearoperator(MATRIX), (30,)),
    "tensor": (torch.from_numpy(MATRIX), (30,)),
    "physics": (physics(), (1, 1, 6, 4)),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_keeps_the_contract_of_linear_operators(name):
    op, measured = KINDS[name]
    check_linear_operator(linear(op, SHAPE), (1, 1, *SHAPE), measured)


def test_what_is_conjugated_is_measured_as_it_is():
    matrix = linear(MATRIX + 1j * MATRIX[::-1], SHAPE)
    x = torch.rand(1, 1, *SHAPE, dtype=torch.float64, requires_grad=True)
    (matrix(x).conj() * (2 + 1j)).imag.sum().backward()
    expected = ((MATRIX - 1j * MATRIX[::-1]) * (2 + 1j)).imag.sum(axis=0)
    torch.testing.assert_close(x.grad.flatten(), torch.from_numpy(expected))


def test_a_matrix_is_its_product_with_the_flat_image():
    x = torch.rand(1, 1, *SHAPE, dtype=torch.float64)
    torch.testing.assert_close(
        linear(MATRIX, SHAPE)(x), torch.from_numpy(MATRIX @ x.numpy().ravel())
    )
    single = linear(MATRIX, SHAPE)(x.float())
    assert single.dtype == torch.float32


def test_an_operator_for_one_channel_is_applied_to_each():
    x = torch.rand(1, 3, *SHAPE)
    A = linear(MATRIX, (3, *SHAPE))
    check_linear_operator(A, (1, 3, *SHAPE), (3, 30))
    torch.testing.assert_close(A(x)[1], linear(MATRIX, SHAPE)(x[:, 1:2]))


def test_the_second_derivative_is_that_of_the_squared_error():
    A = linear(MATRIX, (1, *SHAPE))
    x = torch.rand(1, 1, *SHAPE, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(A, x)
    assert torch.autograd.gradgradcheck(A, x)


def test_complex_measurements_of_a_real_image():
    wave = np.exp(2j * np.pi * np.random.default_rng(0).random((30, 48)))
    A = linear(wave, SHAPE)
    x = torch.rand(1, 1, *SHAPE, dtype=torch.float64, requires_grad=True)
    y = torch.rand(30, dtype=torch.complex128)
    energy = squared_error(y, A)
    gradient = torch.autograd.grad(energy(x), x)[0]
    residual = wave @ x.detach().numpy().ravel() - y.numpy()
    assert energy(x).item() == pytest.approx((abs(residual) ** 2).sum() / 60)
    expected = (wave.conj().T @ residual).real.reshape(1, 1, *SHAPE) / 30
    np.testing.assert_allclose(gradient.numpy(), expected)
    assert A(x.detach().float()).dtype == torch.complex64


def test_the_dot_test_names_the_pair_that_fails():
    with pytest.raises(BadInput, match=r"^adjoint is not the adjoint of forward: <A x, y> is .*, "):
        linear(lambda x: x, SHAPE, adjoint=lambda y: 1.1 * y)
    wrong = SimpleNamespace(A=lambda x: x.flip(-1), A_adjoint=lambda y: y)
    with pytest.raises(BadInput, match="A_adjoint is not the adjoint of A"):
        linear(wrong, SHAPE)
    linear(lambda x: x, SHAPE, adjoint=lambda y: 1.1 * y, tolerance=1.0)
    with pytest.raises(BadInput, match=r"adjoint gives shape \(1, 1, 6, 7\)"):
        linear(lambda x: x[..., 1:], SHAPE, adjoint=lambda y: y)


def test_what_is_no_operator_is_refused_with_those_that_are():
    with pytest.raises(BadInput, match="is a int, but must be a deepinv physics"):
        linear(3, SHAPE)
    with pytest.raises(BadInput, match="takes 48 values, but an image of shape"):
        linear(MATRIX, (7, 7))
    with pytest.raises(BadInput, match=r"must be \(H, W\) or \(C, H, W\)"):
        linear(MATRIX, (48,))
    one_way = LinearOperator((30, 48), matvec=lambda x: MATRIX @ x, dtype=float)
    with pytest.raises(BadInput, match="rmatvec is not there: NotImplementedError"):
        linear(one_way, SHAPE)
    with pytest.raises(BadInput, match="A is a int"):
        differentiable(3, SHAPE)


def test_a_callable_is_taken_as_it_is_and_a_physics_without_its_noise():
    assert differentiable(torch.abs, SHAPE) is torch.abs

    class Physics:
        noise_model, A = None, staticmethod(torch.abs)

        def __call__(self, x):
            raise AssertionError("noise")

    assert differentiable(Physics(), SHAPE) is torch.abs
    assert isinstance(differentiable(MATRIX, SHAPE), Linear)


def test_sigpy():
    sigpy = pytest.importorskip("sigpy")
    op = sigpy.linop.FFT(SHAPE)
    x = torch.rand(1, 1, *SHAPE)
    y = linear(op, SHAPE)(x)
    assert y.shape == SHAPE
    torch.testing.assert_close(y, torch.from_numpy(op(x[0, 0].numpy())).to(y))


def test_pylops():
    pylops = pytest.importorskip("pylops")
    op = pylops.FirstDerivative(SHAPE, dtype="float64")
    check_linear_operator(linear(op, SHAPE), (1, 1, *SHAPE), (48,))


def test_deepinv():
    deepinv = pytest.importorskip("deepinv")
    blur = deepinv.physics.BlurFFT((1, 8, 8), filter=torch.ones(1, 1, 3, 3) / 9)
    A = linear(blur, (1, 8, 8))
    x = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(A(x), blur.A(x))
