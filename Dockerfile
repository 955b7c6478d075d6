# The command, and its page, for the CPU: see docs/install.md
FROM python:3.11-slim

# torch without the libraries for graphics cards
# hadolint ignore=DL3013
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch torchvision

COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
# hadolint ignore=DL3013
RUN pip install --no-cache-dir "/source[astronomy,medical,page,raw,zarr]"

RUN useradd --create-home --uid 1000 dip && install --directory --owner dip /pictures
USER 1000
WORKDIR /pictures
VOLUME /pictures
ENTRYPOINT ["dip"]
CMD ["--help"]
