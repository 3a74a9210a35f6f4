/* provider.h compiles by itself, as C and as C++, and its table can be filled. */
#include <attnbench/provider.h>

int main(void) {
  static attn_provider_api api;
  api.struct_size = ATTN_SIZE_TO(attn_provider_api, plan_destroy);
  return attn_tail_is_zero(&api, 4, sizeof api) && !ATTN_HAS(&api, attn_provider_api, providers)
             ? 0
             : 1;
}
