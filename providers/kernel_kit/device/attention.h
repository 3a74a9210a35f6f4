// What every attention kernel is told when it is launched. Read by the host's compiler and by
// NVRTC, so it includes nothing. Strides and lengths count elements; a stride may exceed 2^31.
#pragma once

struct AttentionTensor {
  void* data;
  long long batch_stride, head_stride, row_stride;  // the last axis is contiguous
};

// How the last round of the forward pass's units is dealt out: units from `first_unit` on are fewer
// than the blocks of the grid, so their steps (blocks of keys), laid end to end, are shared out:
// `steps` of them to each of `sharers` blocks, one more to the first `longer`.
struct DealtRound {
  int first_unit, sharers, steps, longer;

  // Of a sharer's steps the first, and of the one before the end.
  constexpr int begin_of(int sharer) const {
    return sharer * steps + (sharer < longer ? sharer : longer);
  }
};

struct AttentionArguments {
  // Q, O, dO, dQ: batch x heads x seqlen_q x head_dim; K, V, dK, dV: batch x kv_heads x seqlen_kv x
  // head_dim. bias: 1 or batch x 1 or heads x seqlen_q x seqlen_kv, a stride of 0 where it has 1.
  AttentionTensor q, k, v, o, bias, grad_o, grad_q, grad_k, grad_v;
  float* lse;                                   // batch x heads x seqlen_q, natural logarithm
  long long lse_batch_stride, lse_head_stride;  // its rows are contiguous
  float *scaled_lse, *delta, *grad_q_sum;  // the backward pass's workspace, laid out by its kernels
  float *grad_k_sum, *grad_v_sum;
  // The forward pass's workspace, NULL where its kernel has none: what the blocks of a dealt round
  // have to tell each other, and counters that forward_prepare zeroes.
  float* parts;
  int* counters;
  int batch, heads, kv_heads, seqlen_q, seqlen_kv, head_dim;
  int diagonal;  // causal: row i sees the keys j <= i + diagonal
  float scale;   // of Q K^T, before the bias is added
  int num_counters;
  DealtRound dealt;
};
