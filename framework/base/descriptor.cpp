#include "base/descriptor.h"

#include <unistd.h>

#include <utility>

namespace attnbench {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = other.release();
  }
  return *this;
}

int Descriptor::release() {
  return std::exchange(descriptor_, -1);
}

void Descriptor::close() {
  if (is_open()) ::close(release());
}

}  // namespace attnbench
