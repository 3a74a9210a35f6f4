#include "kernel_kit/engine.h"

namespace kernel_kit {
namespace {

const AttentionTensor& tensor_of(const AttentionArguments& a, Operand operand) {
  switch (operand) {
    case Operand::q:
      return a.q;
    case Operand::k:
      return a.k;
    case Operand::v:
      return a.v;
    case Operand::o:
      return a.o;
    case Operand::bias:
      return a.bias;
    case Operand::grad_o:
      return a.grad_o;
    case Operand::grad_q:
      return a.grad_q;
    case Operand::grad_k:
      return a.grad_k;
    case Operand::grad_v:
      return a.grad_v;
    default:
      throw attn::Failure(ATTN_INTERNAL, "an engine maps a part of the workspace as a tensor");
  }
}

bool is_of_keys(Operand operand) {
  return operand == Operand::k || operand == Operand::v || operand == Operand::grad_k ||
         operand == Operand::grad_v;
}

Swizzle swizzle_of(int box_columns) {
  return box_columns == 64   ? Swizzle::bytes_128
         : box_columns == 32 ? Swizzle::bytes_64
         : box_columns == 16 ? Swizzle::bytes_32
                             : Swizzle::none;
}

}  // namespace

TensorMap map_of(const Problem& problem, Operand operand, int box_columns, int box_rows) {
  const AttentionArguments& a = problem.arguments;
  const AttentionTensor& tensor = tensor_of(a, operand);
  TensorMap map;
  map.operand = operand;
  map.strides = {1, tensor.row_stride, tensor.head_stride, tensor.batch_stride};
  map.box = {box_columns, box_rows, 1, 1};
  map.swizzle = swizzle_of(box_columns);
  if (operand == Operand::bias) {
    map.extents = {a.seqlen_kv, a.seqlen_q, tensor.head_stride ? a.heads : 1,
                   tensor.batch_stride ? a.batch : 1};
  } else if (is_of_keys(operand)) {
    map.extents = {a.head_dim, a.seqlen_kv, a.kv_heads, a.batch};
  } else {
    map.extents = {a.head_dim, a.seqlen_q, a.heads, a.batch};
  }
  return map;
}

std::vector<std::string> standard_defines(const Cell& cell) {
  return {attn::text("ARCH=", cell.target.compute_capability),
          attn::text("HEAD_DIM=", cell.head_dim),
          attn::text("BLOCK_Q=", cell.tile.block_q),
          attn::text("BLOCK_K=", cell.tile.block_k),
          attn::text("NUM_WARPS=", cell.tile.num_warps),
          attn::text("NUM_STAGES=", cell.tile.num_stages),
          attn::text("IS_BF16=", cell.is_bf16 ? 1 : 0),
          attn::text("HAS_BIAS=", cell.has_bias ? 1 : 0),
          attn::text("IS_CAUSAL=", cell.is_causal ? 1 : 0),
          attn::text("HAS_TAILS=", cell.has_tails ? 1 : 0),
          attn::text("IS_DETERMINISTIC=", cell.is_deterministic ? 1 : 0)};
}

std::vector<std::string> all_defines(const Engine& engine, const Cell& cell) {
  std::vector<std::string> all = standard_defines(cell);
  if (engine.defines) {
    for (std::string& define : engine.defines(cell)) all.push_back(std::move(define));
  }
  for (const std::string& given : cell.switches) {
    const std::string name = given.substr(0, given.find('=') + 1);
    std::erase_if(all, [&name](const std::string& define) { return define.starts_with(name); });
    all.push_back(given);
  }
  return all;
}

void fill(Tile& tile, const Tile& fallback) {
  if (tile.block_q == 0) tile.block_q = fallback.block_q;
  if (tile.block_k == 0) tile.block_k = fallback.block_k;
  if (tile.num_warps == 0) tile.num_warps = fallback.num_warps;
  if (tile.num_stages == 0) tile.num_stages = fallback.num_stages;
}

bool leaves_tails(const Problem& problem, const Cell& cell, int rows, int keys) {
  const AttentionArguments& a = problem.arguments;
  return a.seqlen_q % rows != 0 || a.seqlen_kv % keys != 0 || a.head_dim != cell.head_dim;
}

}  // namespace kernel_kit
