// How a provider says no. Inside, a refusal is a value (Answer) or an exception (Failure); at the
// boundary both become a status and a sentence in the caller's record, and nothing ever throws.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "attnbench/provider.h"

namespace attn {

// Thrown when a call cannot be done. `message` names the limit: "head_dim 512, at most 256".
class Failure : public std::exception {
 public:
  Failure(attn_status status, std::string message)
      : status_(status), message_(std::move(message)) {}
  // With the code of whoever said no, for instance CUDA's.
  Failure(attn_status status, std::string message, int32_t domain, int32_t code)
      : status_(status), native_domain_(domain), native_code_(code), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  attn_status status() const { return status_; }
  int32_t native_domain() const { return native_domain_; }
  int32_t native_code() const { return native_code_; }

 private:
  attn_status status_;
  int32_t native_domain_ = ATTN_NATIVE_NONE;
  int32_t native_code_ = 0;
  std::string message_;
};

// What supports() returns: yes(), or refuse(status, why). Not being able is no exception.
struct Answer {
  attn_status status = ATTN_OK;
  std::string message;
};
inline Answer yes() {
  return {};
}
inline Answer refuse(attn_status status, std::string why) {
  return {status, std::move(why)};
}

// One text out of strings and numbers: text("head_dim ", 512, ", at most ", 256).
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  auto add = [&out](const auto& part) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(part)>>) {
      out += std::to_string(part);
    } else {
      out += part;
    }
  };
  (add(parts), ...);
  return out;
}

namespace detail {

// Fills the caller's record and hands the status on. Cuts a long message between characters.
inline attn_status write_error(attn_error* error, attn_status status, std::string_view message,
                               int32_t native_domain = ATTN_NATIVE_NONE,
                               int32_t native_code = 0) noexcept {
  if (!error || error->struct_size < ATTN_SIZE_TO(attn_error, message_length)) return status;
  error->status = status;
  error->native_domain = native_domain;
  error->native_code = native_code;
  error->message_length = static_cast<uint32_t>(message.size());
  if (!error->message || error->message_capacity == 0) return status;
  std::size_t kept = std::min<std::size_t>(message.size(), error->message_capacity - 1);
  auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  while (kept > 0 && kept < message.size() && continues(message[kept])) --kept;
  std::memcpy(error->message, message.data(), kept);
  error->message[kept] = '\0';
  return status;
}

// Runs one call of the table and turns whatever leaves it into a status.
template <class Call>
attn_status guarded(attn_error* error, Call&& call) noexcept {
  try {
    call();
    return ATTN_OK;
  } catch (const Failure& failure) {
    bool is_ours = failure.status() > ATTN_OK && failure.status() < ATTN_HOST_LOAD_FAILED;
    return write_error(error, is_ours ? failure.status() : ATTN_INTERNAL, failure.what(),
                       failure.native_domain(), failure.native_code());
  } catch (const std::bad_alloc&) {
    return write_error(error, ATTN_OUT_OF_HOST_MEMORY, "the provider ran out of host memory");
  } catch (const std::exception& defect) {
    return write_error(error, ATTN_INTERNAL, defect.what());
  } catch (...) {
    return write_error(error, ATTN_INTERNAL, "the provider threw something unknown");
  }
}

inline void require(bool holds, attn_status status, std::string_view why) {
  if (!holds) throw Failure(status, std::string(why));
}
inline void require_pointer(const void* pointer, const char* name) {
  if (!pointer) throw Failure(ATTN_INVALID_ARGUMENT, text(name, " is NULL"));
}

// Rule 1 for a request: the size it had in 1.0, the size we know, zeros behind it.
template <class Request>
void check_request(const Request* request, uint32_t first_bytes, uint32_t known_bytes,
                   const char* name) {
  require_pointer(request, name);
  if (request->struct_size < first_bytes) {
    throw Failure(ATTN_INVALID_ARGUMENT, text(name, " has ", request->struct_size,
                                              " bytes, fewer than ABI 1.0's ", first_bytes));
  }
  if (!attn_tail_is_zero(request, known_bytes, request->struct_size)) {
    throw Failure(ATTN_UNSUPPORTED_FEATURE,
                  text(name, " uses fields that came after ABI 1.", ATTN_ABI_MINOR));
  }
}

template <class Item>
void check_array(const Item* const* items, uint32_t count, const char* name) {
  if (count > 0) require_pointer(items, name);
}

}  // namespace detail
}  // namespace attn
