// A file descriptor with one owner: closed when the owner goes.
#pragma once

namespace attnbench {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { close(); }

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  int release();  // gives the descriptor to the caller, who closes it
  void close();

 private:
  int descriptor_ = -1;
};

}  // namespace attnbench
