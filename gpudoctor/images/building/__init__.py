"""Building an image: buildx, the classic builder, podman or buildah, followed step by step in one way."""
