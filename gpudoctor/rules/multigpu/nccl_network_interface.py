"""NCCL finds no network interface that it can use

What it is: NCCL joins the processes of a job over TCP before it uses NVLink or InfiniBand. It takes the first
interface that is neither lo nor docker*, or what NCCL_SOCKET_IFNAME names.

Why it hurts: No interface, a name that is on no node, or an address that the other nodes cannot reach (a bridge of
Docker's, a VPN): the job fails in its first collective, or hangs in it.

How to tell: With NCCL_DEBUG=INFO the line "Bootstrap : Using eth0:10.0.0.5" names the interface; "no socket interface
found" says that none fits. Compare it with `ip -brief address` on every node.

How to fix: Set NCCL_SOCKET_IFNAME (and GLOO_SOCKET_IFNAME) to the interface that reaches the other nodes, or unset a
wrong one; in containers use the host's network. One process per machine may set NCCL_SOCKET_IFNAME=lo.

Sources: https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html
https://github.com/NVIDIA/nccl/issues/210
https://github.com/NVIDIA/nccl/issues/286
https://github.com/NVIDIA/nccl/issues/1837
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # In prose: which interface it takes.
    Signature(
        r"nccl(?: \S+){0,3} (?:pick|choos|chose|select|tak|took|us|bind|bound|connect|listen|default)\w*(?: \S+){0,5} (?:the )?(?:wrong|docker\d|virbr\d|veth\w+|tun\d|wg\d|tailscale\d|br-\w+|lo\b|loopback|(?:\S+ )?(?:NIC|interface|bridge)\b)|"
        r"nccl.{0,16}(?:错误|不对|错)的?.{0,4}(?:网卡|网口|接口|网络)",
        0.82,
        when="short",
        needs=(
            r"hang|hung|stuck|wrong|never|time[sd]? ?out|fail|refused|unreachable|instead|how (?:can|do) I|\bwhy\b|卡住|错|失败|报错",
        ),
        unless=(r"/dev/shm|shared memory", r"nvlink|\bfix(?:ed|es)\b|added support"),
    ),
    # NCCL src/misc/socket.cc, bootstrap.cc, include/socket.h; Gloo.
    Signature(r"(?:Bootstrap ?: ?)?no socket interface found", 0.95),
    Signature(r"NCCL WARN .{0,60}Socket creation failed", 0.9),
    Signature(r"WARN Socket creation failed", 0.88),
    Signature(
        # Not c10d's own warning: it tries IPv6 first, and goes on with IPv4.
        r"^(?!.{0,80}\[W\d{0,4} .{0,40}socket\.cpp).{0,300}Address family not supported by protocol",
        0.75,
        needs=(r"nccl|\bgloo\b|c10d|torch|TCPStore",),
    ),
    Signature(
        r"NCCL WARN (?:Net|NET|NET/Socket|Call to connect|socketStartConnect|socketPollConnect|Connect to).{0,120}(?:refused|failed|timed out|No route|Network is unreachable)",
        0.85,
    ),
    Signature(
        r"(?:socketStartConnect|socketPollConnect|ncclSocketConnect|socketProgress\w*|ncclSocketPollConnect).{0,120}(?:failed|refused|unreachable|timed out|No route)",
        0.85,
    ),
    Signature(r"NCCL_SOCKET_IFNAME.{0,120}(?:not found|no such|does not|invalid|wrong|docker0)", 0.85),
    Signature(r"Bootstrap : Using \[\d\](?:docker|br-|virbr|lo\b)", 0.85),
    Signature(r"Bootstrap : Using (?:docker\d|br-\w+|virbr\d|lo):", 0.85),
    Signature(r"NET/Socket : Using \[\d\](?:docker|br-|virbr)", 0.8),
    Signature(
        r"(?:Call to connect returned|connect.{0,20}to .{0,60}) (?:Connection refused|No route to host|Network is unreachable|Connection timed out)",
        0.75,
        needs=(r"NCCL|nccl|socket\.(?:cc|h)",),
    ),
    Signature(
        r"Unable to find address for: ?\w+|Gloo .{0,80}(?:ifname|interface)",
        0.75,
        needs=(r"gloo|GLOO|address",),
    ),
    Signature(
        r"Connect(?:ion)? (?:to|from) .{0,40}172\.(?:17|18)\.\d+\.\d+.{0,40}(?:refused|failed|timed)",
        0.75,
        needs=(r"nccl",),
    ),
    Signature(r"No interface found in the same subnet as remote address", 0.9),
    Signature(r"NCCL WARN .{0,20}NET/IB .{0,60}(?:No device found|failed)", 0.6),
    # NCCL lists the interfaces that it will try: bridges and veths of containers are never the right ones.
    Signature(
        r"NET/Socket : Using .{0,400}\[\d+\](?:docker|br-|veth|virbr|cni|flannel|cali)",
        0.75,
        needs=(r"system error|ncclSystemError|unreachable|refused|timed out|timeout|hang",),
    ),
    Signature(r"NCCL WARN (?:Net|NET/Socket|socket\w*) .{0,20}Connection closed by remote peer", 0.5),
    Signature(r"Connection closed by remote peer \S{1,60}<\d+>", 0.5, needs=(r"nccl",)),
    # socket.cc of NCCL 2.12 and later; IB verbs' completions; Gloo's and the store's complaints.
    Signature(r"ncclSocketInit: connecting to address|is neither AF_INET\(2\) nor AF_INET6\(10\)", 0.9),
    Signature(
        r"ncclSocket(?:Connect|Accept|Init|Listen|Ready|PollConnect)\w*: .{0,80}|socket(?:StartConnect|PollConnect|Connect|Finalize\w*): ",
        0.66,
        needs=(r"fail\w*|refus\w*|unreachable|time|exceeded|reset|invalid|error",),
    ),
    Signature(
        r"NET/IB : .{0,40}(?:Got completion .{0,60}(?:error|status)|Async(?:hronous)? (?:fatal )?event)|IBV_WC_\w+ERR|Call to ibv_(?:modify_qp|create_qp|poll_cq|open_device)\w* failed",
        0.78,
    ),
    Signature(
        r"connectFullMesh failed|Unable to resolve hostname to a \(local\) address|(?:gloo|Gloo).{0,120}(?:Connection refused|Connect timeout|No route to host|Connection reset|unreachable)|makeDeviceForInterface|makeDeviceForHostname",
        0.8,
    ),
    Signature(
        r"Could not find interface|NCCL_SOCKET_IFNAME .{0,60}(?:did not match|no interface|does not exist|unknown)|No (?:usable|valid|suitable) (?:network |socket )?interfaces?|Bootstrap : no .{0,20}interface",
        0.85,
        needs=(r"nccl|NCCL|gloo|GLOO",),
    ),
    Signature(
        r"NCCL WARN .{0,60}(?:No route to host|Network is unreachable|Connection refused|Connection timed out|Connection reset by peer)",
        0.85,
    ),
    # The variable beside a failure of the network's kind: the reporter is choosing an interface.
    Signature(
        r"(?:NCCL|GLOO|TP)_SOCKET_IFNAME",
        0.7,
        needs=(
            r"unhandled system error|ncclSystemError|ncclInternalError|ncclRemoteError|internal error|Connection (?:refused|reset|closed|timed)|No route|unreachable|time[sd]? ?out|timeout|hangs?|hung|stuck|fix\w*|solv\w*|resolved",
        ),
        unless=(r"/dev/shm", r"shared memory"),
    ),
    Signature(
        r"unhandled system error|ncclSystemError|ncclRemoteError|remote process exited or there was a network error",
        0.6,
        needs=(
            r"nnodes|node_rank|multi[- ]?node|two (?:nodes|machines|computers|servers)|2 nodes|MASTER_ADDR|master_addr|ifconfig|different (?:nodes|machines)|多机|两台|ip addr",
        ),
        unless=(r"/dev/shm", r"shared memory", r"shm-size"),
    ),
    Signature(
        r"(?:set|setting|export\w*|specify\w*|specif\w+|add|added|adding|chang\w+|includ\w+|wrong|correct) .{0,40}(?:NCCL|GLOO)_SOCKET_IFNAME",
        0.72,
        unless=(r"/dev/shm",),
    ),
    Signature(
        r"NCCL_(?:IB_DISABLE|P2P_DISABLE|IB_HCA|IB_GID_INDEX) ?= ?\S{1,20}.{0,80}(?:fix\w*|solv\w*|works?|resolv\w*|helps?)",
        0.5,
        needs=(r"node|InfiniBand|network|socket|IB\b",),
    ),
    # NCCL 2.3's time limit; two containers or hosts, and nothing but "unhandled system error"; Open MPI and UCX; interfaces by name.
    Signature(r"NCCL .{0,30}connect\w* (?:time-?out|timed out|refused|error|failed)", 0.85),
    Signature(
        r"unhan\w{1,4}ed system error|ncclSystemError",
        0.66,
        needs=(
            r"tcp://\d|two docker|two containers|both containers|different (?:containers|hosts|servers)|2 containers|another (?:machine|server|host)",
        ),
        unless=(r"/dev/shm", r"shared memory", r"shm-size"),
    ),
    Signature(
        r"no interface (?:found )?(?:matching|named|called)|interface \S{1,20} (?:not found|does not exist|doesn't exist)",
        0.82,
        needs=(r"NCCL|nccl|gloo|GLOO|SOCKET_IFNAME",),
    ),
    Signature(
        r"btl_tcp_if_(?:include|exclude)|accepted a TCP connection from what appears to be a|mca_btl_tcp_endpoint\w*.{0,60}connect\(\) to|VLLM_HOST_IP|--network[= ]host|network_mode: ?host|UCX_NET_DEVICES",
        0.62,
        needs=(
            r"NCCL|nccl|Open MPI|mpirun|torch\.distributed|torchrun|\bRay\b|multi-?node|two nodes|other node",
            r"hang\w*|stuck|can't reach|cannot|time\w*|refused|unreachable|fix\w*|solv\w*|cannot find|fail\w*",
        ),
        unless=(r"/dev/shm", r"shm-size"),
    ),
    Signature(
        r"(?:using|uses|picks|chose|chooses|selects?|binds? to|bound to) (?:the )?(?:interface |wrong )?(?:docker0|virbr0|br-[0-9a-f]{4,}|veth\w+|cni0|lo\b)",
        0.76,
        needs=(r"NCCL|nccl|gloo|vllm|\bRay\b|distributed",),
    ),
    Signature(
        r"设置 ?(?:NCCL|GLOO)_SOCKET_IFNAME|(?:NCCL|GLOO)_SOCKET_IFNAME.{0,40}(?:后正常|解决|就好了|可以了)",
        0.8,
    ),
)
