#!/usr/bin/env python3
"""PyTorch's calls of cuDNN's attention under triton's do_bench, and `attnbench run` of the same shapes,
in turns on one GPU. The kernels are the same, so the times must be: whoever differs, the instrument does.

    peer/bin/python scripts/peers/torch_cudnn.py --attnbench build/bin/attnbench

Turns alternate, the shapes of a mode at a time. Before each timing PyTorch's side rests for `--rest`
seconds, as the GPU does while attnbench prepares a trial, and then runs its kernel for `--heat` seconds, as
attnbench does too: without the rest it stood deeper in the power limit.
`ratio` is PyTorch's median over attnbench's, each the median over the rounds: above 1, attnbench read less.
`clocks` is the quotient of the SM clocks seen meanwhile; far from 1 it explains a ratio.
"""

import argparse
import ctypes
import itertools
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import torch
import torch.nn.functional as functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from triton.testing import do_bench

HEADS, TOKENS = 16, 16384
UNFUSED = "unfused_sdpa"


class Clock:
    """The SM clock while something runs, from NVML."""

    def __init__(self):
        self.library = ctypes.CDLL("libnvidia-ml.so.1")
        self.library.nvmlInit_v2()
        self.device = ctypes.c_void_p()
        # NVML counts all GPUs of the machine, PyTorch those that CUDA_VISIBLE_DEVICES names.
        uuid = getattr(torch.cuda.get_device_properties(0), "uuid", None)
        found = uuid and self.library.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode(), ctypes.byref(self.device)) == 0
        if not found:
            self.library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(self.device))

    def read_mhz(self):
        value = ctypes.c_uint()
        self.library.nvmlDeviceGetClockInfo(self.device, 1, ctypes.byref(value))
        return value.value

    def during(self, work):
        seen, is_over = [], threading.Event()

        def watch():
            while not is_over.wait(0.02):
                seen.append(self.read_mhz())

        watcher = threading.Thread(target=watch)
        watcher.start()
        result = work()
        is_over.set()
        watcher.join()
        return result, statistics.median(seen or [self.read_mhz()])


def shapes_of(args, modes):
    return list(itertools.product(modes, args.biases, args.head_dims, args.seqlens))


def heads_first(*shape):
    """A (batch, seqlen, heads, head_dim) tensor seen as PyTorch wants it."""
    return (2 * torch.randn(*shape, device="cuda")).to(torch.float16).transpose(1, 2)


def unfused(q, k, v, bias, scale):
    """Scores and softmax in fp32, as the baseline has them; eager, so each step is a kernel."""
    batch, heads, rows, dim = q.shape
    flat = [x.reshape(batch * heads, -1, dim) for x in (q, k, v)]
    scores = torch.bmm(flat[0], flat[1].transpose(1, 2), out_dtype=torch.float32).mul_(scale)
    if bias is not None:
        scores = scores.view(batch, heads, rows, -1).add_(bias).view(batch * heads, rows, -1)
    return torch.bmm(torch.softmax(scores, -1).to(torch.float16), flat[2])


def peer_call(provider, mode, bias, dim, length):
    batch = TOKENS // length
    q, k, v, d_o = (heads_first(batch, length, HEADS, dim) for _ in range(4))
    mask = None
    if bias != "none":
        mask = torch.where(torch.rand(batch, 1, length, length, device="cuda") < 0.25, -65504.0, 0.0)
        mask = mask.to(torch.float16)
    if provider == UNFUSED:
        return lambda: unfused(q, k, v, mask, dim**-0.5)
    inputs = [x.requires_grad_() for x in (q, k, v)]
    if mode == "fwd":
        # Inputs that want gradients make it write the LSE, as attnbench's providers do. Without it cuDNN runs
        # another plan: up to 5 % slower with a bias, on an H200.
        return lambda: functional.scaled_dot_product_attention(*inputs, attn_mask=mask)
    out = functional.scaled_dot_product_attention(*inputs, attn_mask=mask)
    return lambda: torch.autograd.grad(out, inputs, d_o, retain_graph=True)


@sdpa_kernel(SDPBackend.CUDNN_ATTENTION)  # not within what is timed
def time_peer(args, clock, shape):
    call = peer_call(args.provider, *shape)
    call()
    torch.cuda.synchronize()
    time.sleep(args.rest)
    begin = time.perf_counter()
    while time.perf_counter() - begin < args.heat:
        call()
        torch.cuda.synchronize()
    result = clock.during(lambda: do_bench(call, warmup=25, rep=100, return_mode="median"))
    del call
    torch.cuda.empty_cache()
    return result


def run_attnbench(args, mode, folder):
    """A sweep of the shapes of one mode; {shape: (ms, MHz)}."""
    sweep, run = folder / "peers.toml", folder / "run"
    sweep.write_text(f'''[problem]
dtype = "fp16"
heads = {HEADS}
mode = "{mode}"
[[axis]]
name = "bias"
values = {json.dumps(args.biases)}
[[axis]]
name = "head_dim"
values = {args.head_dims}
[[axis]]
names = ["seqlen", "batch"]
values = {[[length, TOKENS // length] for length in args.seqlens]}
[[provider]]
id = "{args.provider}"
{f'options = {{engine = "{args.engine}"}}' if args.engine else ""}
[measure]
effort = "{args.effort}"
protocol = "{args.protocol}"
[plot]
x = "seqlen"
''')
    subprocess.run([args.attnbench, "run", sweep, "--out", run], stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, check=False)
    times = {}
    for line in (run / "results.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["outcome"] != "ok":
            print(f'attnbench: {row["outcome"]}: {row["message"]}', flush=True)
            continue
        shape = (row["mode"], row["bias"], row["head_dim"], row["seqlen_q"])
        clocks = [state["sm_clock_mhz"] for state in row["state"] if "sm_clock_mhz" in state]
        times[shape] = (row["median_ms"], statistics.median(clocks or [0]))
    return times


def take_turns(args, clock, turns):
    """Fills {shape: [(peer, attnbench) a round]}, the two sides in another order each round."""
    for number, mode in itertools.product(range(args.rounds), args.modes):
        with tempfile.TemporaryDirectory() as folder:
            def ours():
                return run_attnbench(args, mode, pathlib.Path(folder))

            def theirs():
                return {shape: time_peer(args, clock, shape) for shape in shapes_of(args, [mode])}

            first, second = (theirs, ours) if number % 2 == 0 else (ours, theirs)
            begin = time.perf_counter()
            one = first()
            middle = time.perf_counter()
            other = second()
            peer, own = (one, other) if number % 2 == 0 else (other, one)
        print(f"round {number + 1}, {mode}: turns of {middle - begin:.1f} and "
              f"{time.perf_counter() - middle:.1f} s", flush=True)
        for shape in own:
            turns[shape].append((peer[shape], own[shape]))
            print(f"round {number + 1}: {shape}: {peer[shape][0]:.4f} ms at {peer[shape][1]:.0f} MHz, "
                  f"{own[shape][0]:.4f} ms at {own[shape][1]:.0f} MHz", flush=True)


def print_row(shape, turns, worst):
    mode, bias, dim, length = shape
    peer_ms, own_ms, peer_mhz, own_mhz = (
        statistics.median(turn[side][field] for turn in turns)
        for side, field in ((0, 0), (1, 0), (0, 1), (1, 1)))
    flops = (4 if mode == "fwd" else 10) * HEADS * TOKENS * length * dim
    ratio = peer_ms / own_ms
    worst.append((abs(ratio - 1), ratio, shape))
    print(f"{mode:4} {bias:4} {dim:4} {length:6} {peer_ms:9.4f} {own_ms:9.4f} "
          f"{flops / peer_ms / 1e9:7.0f} {flops / own_ms / 1e9:7.0f} {ratio:6.3f} "
          f"{peer_mhz / own_mhz if own_mhz else 0:6.3f} {own_mhz:6.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attnbench", required=True, help="path of the program")
    parser.add_argument("--provider", default="cudnn_sdpa", choices=("cudnn_sdpa", UNFUSED))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--heat", type=float, default=0.5, help="seconds before each timing")
    parser.add_argument("--rest", type=float, default=1.0, help="seconds before that")
    parser.add_argument("--modes", nargs="+", default=["fwd", "bwd"])
    parser.add_argument("--biases", nargs="+", default=["none", "b1"])
    parser.add_argument("--head-dims", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--seqlens", type=int, nargs="+", default=[1024, 4096, 8192])
    parser.add_argument("--effort", default="grid")
    parser.add_argument("--protocol", default="adaptive")
    parser.add_argument("--engine", help="cudnn_sdpa's engine, where PyTorch's front end takes another than ours: "
                        "at head_dim 64 without a bias its kernel's name says knob_7, eng5_k24=7 here")
    args = parser.parse_args()
    os.environ.setdefault("TRITON_CACHE_DIR", tempfile.mkdtemp())
    if args.provider == UNFUSED:
        args.modes = ["fwd"]
    clock = Clock()
    print(f"torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, "
          f"{torch.cuda.get_device_name()}, {args.provider}, {args.protocol}, {args.rounds} rounds")
    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)  # whole rounds are worth printing
    all_turns, worst, apart = {shape: [] for shape in shapes_of(args, args.modes)}, [], []
    try:
        take_turns(args, clock, all_turns)
    except KeyboardInterrupt:
        print("stopped before the last round")
    print("mode bias head seqlen  torch_ms    our_ms  torch     our  ratio clocks    MHz")
    for shape, turns in all_turns.items():
        if not turns:
            continue
        print_row(shape, turns, worst)
        own_ms = [own[0] for _, own in turns]
        peer_ms = [peer[0] for peer, _ in turns]
        if len(turns) > 1:
            apart.append((max(own_ms) / min(own_ms) - 1, max(peer_ms) / min(peer_ms) - 1))
    if worst:
        print(f"median ratio {statistics.median(ratio for _, ratio, _ in worst):.3f}, "
              f"worst {max(worst)[1]:.3f} at {max(worst)[2]}")
    for name, side in (("ours", 0), ("torch's", 1)):
        if apart:
            found = [100 * pair[side] for pair in apart]
            print(f"{name}, round against round: median {statistics.median(found):.2f} %, "
                  f"worst {max(found):.2f} %")


if __name__ == "__main__":
    main()
