// Values that are types, for lambdas that must know them at compile time.
#pragma once

template <bool kValue>
struct Bool {
  static constexpr bool value = kValue;
};
using True = Bool<true>;
using False = Bool<false>;
