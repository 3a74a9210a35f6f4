#!/usr/bin/env python3
"""Times PyTorch's CPU scaled_dot_product_attention beside cpu_flash, in turns, on the same cores.

A yardstick for people, not part of CI. PyTorch is not a dependency: make an environment for it.
    python3 -m venv peer && peer/bin/pip install torch
    cmake --build --preset release --target cpu_flash
    peer/bin/python scripts/peers/torch_sdpa.py --library <build>/lib/attnbench/providers/cpu_flash.provider.so

Both sides get the same fp32, fp16 or bf16 numbers in BHSD, and their results must agree before anything
is timed. Rounds alternate, so that a busy machine slows both. `ratio` above 1: cpu_flash is faster.
"""

import argparse
import os
import statistics
import time

import torch
import torch.nn.functional as functional

from provider import Provider

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
TOLERANCE = {"fp32": 1e-4, "fp16": 1e-2, "bf16": 8e-2}


def median_ms(seconds):
    return statistics.median(seconds) * 1e3


def timed(call):
    time.sleep(0.3)  # the other side's threads may spin for 0.2 s after their work
    call()
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def compare(provider, args, mode, dtype, causal, head_dim, seqlen):
    torch.manual_seed(1)
    shape = (1, args.heads, seqlen, head_dim)
    q, k, v, d_o = (torch.randn(shape).to(DTYPES[dtype]) for _ in range(4))
    q, k, v = (x.requires_grad_() for x in (q, k, v))

    def peer_forward():
        return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

    peer_output = peer_forward()
    ours = provider.plan(q, k, v, d_o, causal=causal, backward=False, threads=args.threads)
    ours.execute()
    error = (ours.output.float() - peer_output.detach().float()).abs().max().item()
    if error > TOLERANCE[dtype]:
        raise SystemExit(f"outputs differ by {error}: nothing to compare")

    if mode == "fwd":
        with torch.no_grad():
            peer = peer_forward
            rounds = [(timed(peer), timed(ours.execute)) for _ in range(args.rounds)]
    else:
        backward = provider.plan(q, k, v, d_o, causal=causal, backward=True, threads=args.threads,
                                 output=ours.output, lse=ours.lse)
        backward.execute()

        def peer():
            torch.autograd.grad(peer_output, (q, k, v), d_o, retain_graph=True)

        peer()
        rounds = [(timed(peer), timed(backward.execute)) for _ in range(args.rounds)]
    peer_ms = median_ms([a for a, _ in rounds])
    our_ms = median_ms([b for _, b in rounds])
    print(f"{mode:4} {dtype:5} {'causal' if causal else 'full':7} {head_dim:4} {seqlen:6} "
          f"{peer_ms:10.2f} {our_ms:10.2f} {peer_ms / our_ms:6.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True, help="path of cpu_flash.provider.so")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seqlens", type=int, nargs="+", default=[512, 2048])
    parser.add_argument("--dtypes", nargs="+", default=["fp32", "fp16"], choices=DTYPES)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    provider = Provider(args.library)
    print(f"torch {torch.__version__}, {args.threads} threads, {args.heads} heads")
    print("mode dtype mask    head seqlen   torch_ms   flash_ms  ratio")
    for mode in ("fwd", "bwd"):
        for dtype in args.dtypes:
            for causal in (False, True):
                for head_dim in (64, 128, 256):
                    for seqlen in args.seqlens:
                        compare(provider, args, mode, dtype, causal, head_dim, seqlen)


if __name__ == "__main__":
    main()
