#include "validate/judges.h"

#include "support/catch.h"

using namespace attnbench;

namespace {

ContractReply returned(int status, const std::string& message = "a reason") {
  ContractReply facts;
  facts.calls.push_back({"supports with specs NULL", status, message, 0.1});
  return facts;
}

}  // namespace

TEST_CASE("a call that ends in the wanted class says nothing against the provider", "[validate]") {
  CHECK(against_success(returned(0)).empty());
  CHECK(against_invalid(returned(2001)).empty());
  CHECK(against_unsupported(returned(1005)).empty());
  CHECK(against_refusal(returned(1005)).empty());
  CHECK(against_limits(returned(4001)).empty());
}

TEST_CASE("what a provider may return without memory or cache", "[validate]") {
  for (const int status : {0, 3000, 3002}) CHECK(against_starved(returned(status)).empty());
  for (const int status : {1000, 2000, 8000})
    CHECK_FALSE(against_starved(returned(status)).empty());
  for (const int status : {0, 1007, 5000, 6000}) CHECK(against_uncached(returned(status)).empty());
  for (const int status : {1000, 3000, 8000})
    CHECK_FALSE(against_uncached(returned(status)).empty());
}

TEST_CASE("a call that ends otherwise is named with its status and words", "[validate]") {
  CHECK(against_invalid(returned(1000)) ==
        "supports with specs NULL: returned 1000, not 2xxx (a reason)");
  CHECK(against_invalid(returned(0, "")) == "supports with specs NULL: returned 0, not 2xxx");
  CHECK_FALSE(against_success(returned(2000)).empty());
  CHECK_FALSE(against_refusal(returned(3000)).empty());
  CHECK_FALSE(against_limits(returned(8000)).empty());
}

TEST_CASE("a status of no provider class is one sin, not two", "[validate]") {
  for (const int status : {12345, 22000, -1, 7}) {
    INFO(status);
    CHECK(against_invalid(returned(status)).empty());
    CHECK_FALSE(against_classes(returned(status)).empty());
  }
  CHECK(against_classes(returned(8000)).empty());
}

TEST_CASE("a refusal without a word is noticed", "[validate]") {
  CHECK(against_words(returned(2000, "")) ==
        "supports with specs NULL: returned 2000 without a word");
  CHECK(against_words(returned(0, "")).empty());
}

TEST_CASE("a promise that is not kept is named", "[validate]") {
  ContractReply facts = returned(2000);
  facts.promises = {{"it is silent", true}, {"it stays in bounds", false}};
  CHECK(against_promises(facts) == "not so: it stays in bounds");
  CHECK(against_invalid(facts) == "not so: it stays in bounds");
  CHECK(against_invalid_calls(facts).empty());
  CHECK_FALSE(against_failed_calls(facts).empty());
  facts.calls.front().status = 0;
  CHECK(against_failed_calls(facts).empty());
}
