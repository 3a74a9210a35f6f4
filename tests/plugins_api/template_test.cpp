// Run by template_out_of_tree.cmake on the provider that it built; TEMPLATE_PROVIDER is its path.
#include <cstdlib>

#include "plugins_api/guest.h"
#include "plugins_api/naive_attention.h"
#include "support/catch.h"

namespace attnbench {
namespace {

TEST_CASE("a template built by a stranger loads and computes attention", "[template]") {
  const char* path = std::getenv("TEMPLATE_PROVIDER");
  REQUIRE(path != nullptr);
  Guest guest(load_table(path));
  REQUIRE(guest.status == ATTN_OK);
  for (bool is_bhsd : {false, true}) {
    Request request(Case{.batch = 2,
                         .heads_q = 6,
                         .heads_kv = 2,
                         .seqlen_q = 7,
                         .seqlen_kv = 11,
                         .head_dim_qk = 40,
                         .head_dim_v = 24,
                         .is_bhsd = is_bhsd});
    attn_status status = guest.run(request);
    INFO(guest.message());
    REQUIRE(status == ATTN_OK);
    check_outputs(request, 1e-5);
  }
  Request causal(Case{.mask = ATTN_MASK_CAUSAL_TOP_LEFT});
  CHECK(guest.run(causal) == ATTN_UNSUPPORTED_FEATURE);
  Request half(Case{.dtype = attn::kFp16});
  CHECK(guest.run(half) == ATTN_UNSUPPORTED_DTYPE);
}

}  // namespace
}  // namespace attnbench
