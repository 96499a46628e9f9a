"""`smoke`: small models trained in the user's own environment, and the witnesses that the GPU did it.

`phases` says what is done, `child` runs it and survives it, `watch` looks on from outside, `verdict` weighs; what is wrong is
named by the causes of `rules/smoke`. The programs of `programs/` run in the interpreter under test: see docs/smoke.md.
"""
