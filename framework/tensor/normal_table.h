// The standard normal distribution as 65,536 numbers: entry i is the quantile of (i + 0.5) / 65536,
// as fp32. 16 random bits pick an entry; that is all there is to drawing a normal number here.
//
// The table is computed, not shipped: 700 kB of digits teach nobody anything. It is the same on
// every machine because only + - * / and sqrt in double are used, which IEEE 754 defines to the
// last bit, and the compiler may not fuse them (-ffp-contract=off). Even if it did: the method's
// error of 1e-16 would have to straddle a rounding boundary of fp32. A golden hash in the tests
// watches.
#pragma once

#include <span>

namespace attnbench {

inline constexpr int kNormalTableSize = 65536;

// Computed on first use (about 2 ms), the same ever after.
std::span<const float, kNormalTableSize> normal_table();

}  // namespace attnbench
