"""The compose file asks for the GPU in a way that this compose does not understand

What it is: Compose reads GPUs from deploy.resources.reservations.devices (compose 1.28, and every version 2), or from
`gpus: all` (newer version 2). An older compose knows neither; a newer one refuses a block without `capabilities`, or one
with both `count` and `device_ids`.

Why it hurts: Nothing starts, or the service starts without a GPU.

How to tell: Compose names the service and the key: "Additional properties are not allowed ('devices' was unexpected)",
"missing property 'capabilities'", "count and device_ids attributes are exclusive". `docker compose version` and
`docker compose config` show what it reads.

How to fix: Use the plugin (`docker compose`, not `docker-compose` 1.x) and this block: deploy: resources: reservations:
devices: [{driver: nvidia, count: all, capabilities: [gpu]}].

Sources: https://docs.docker.com/compose/how-tos/gpu-support/
https://github.com/docker/compose/issues/8142
https://github.com/docker/compose/issues/6691
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # docker-compose 1.x and compose 2, validation of the file.
    Signature(
        r"Additional propert(?:y|ies) .{0,60}'?devices'? (?:was|is|are)? ?(?:unexpected|not allowed)", 0.93
    ),
    Signature(
        r"Additional properties are not allowed \('devices' was unexpected\)|additional propert(?:y|ies) devices is not allowed",
        0.95,
    ),
    Signature(r"missing propert(?:y|ies) '?capabilities'?|devices.{0,40}capabilities is required", 0.9),
    Signature(r"[\"']?count[\"']? and [\"']?device_ids[\"']? attributes are exclusive", 0.95),
    Signature(r"Unsupported config option for services\.\S+: '(?:runtime|gpus|deploy)'", 0.88),
    Signature(r"Additional propert(?:y|ies) .{0,20}gpus.{0,20}(?:unexpected|not allowed)", 0.9),
)
