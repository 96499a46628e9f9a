"""Bazel cannot download what the build needs

What it is: A dependency's host is blocked, slow or down. A 404 from TensorFlow's mirror alone is a warning: the next
address follows.

Why it hurts: The build stops while it loads.

How to tell: "Error downloading" with the addresses that were tried. "Checksum was" means that something else came than the tree
expects: a mirror's error page, or a file that was replaced.

How to fix: Give Bazel a mirror (--experimental_downloader_config), a folder of downloads (--distdir), or more time
(--http_timeout_scaling=4).

Sources: https://github.com/tensorflow/tensorflow/issues/38231
https://github.com/tensorflow/tensorflow/issues/51886
"""

from __future__ import annotations

from gpudoctor.signature import Signature




























signatures: tuple[Signature | str, ...] = (
    # Two addresses and a place: four hundred characters are usual.
    Signature(r"Error downloading \[.{0,700}(?:timed out|Connection refused|Unknown host|GET returned|Read timed|Checksum was)", 0.88),
    Signature(r"(?:java\.io\.IOException|com\.google\.devtools\.build).{0,120}(?:Error downloading|connect timed out)", 0.85),
    Signature(r"An error occurred during the fetch of repository", 0.6),
)
