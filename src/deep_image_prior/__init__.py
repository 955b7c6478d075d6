"""Deep image prior: theta* = argmin_theta E(A(f_theta(z)); x0), x* = f_theta*(z), from one image
and nothing else.

Everything is imported when it is first used; __init__.pyi says what there is.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
