// How much a problem is: the only place that counts FLOPs and bytes, so that columns compare.
//
// FLOPs: 4 * head_dim per visible (query, key) pair and head forward (two GEMMs, 2 per
// multiply-add), 2.5 times that for the backward pass (five GEMMs), their sum for fwd_bwd. Visible
// pairs are counted exactly where a causal mask hides some. Softmax is not counted.
//
// Bytes: every tensor that the mode reads or writes, once; a broadcast bias as stored.
#pragma once

#include <cstdint>

#include "model/problem.h"

namespace attnbench {

int64_t visible_pairs(const Problem& problem);  // of one head of one batch
double flops(const Problem& problem);
double bytes_moved(const Problem& problem);
// What no kernel can avoid moving: bytes_moved without the parts of bias, Q, K and V that the mask
// hides. The floor of measure/plausibility.
double least_bytes(const Problem& problem);
// Memory that the trial's tensors need at once. fwd has an LSE here but not in bytes_moved: some
// providers write it and some cannot, and their GB/s must compare.
double tensor_bytes(const Problem& problem);

}  // namespace attnbench
