#include "report/page_data.h"

#include <nlohmann/json.hpp>

#include "report/figures.h"
#include "report/packed.h"
#include "report/page.h"
#include "support/catch.h"

namespace attnbench {
namespace {

Sweep small_sweep() {
  return parse_sweep(R"(
[problem]
mode = "fwd"
heads = 8
dtype = "fp16"
batch = 1
[[axis]]
name = "head_dim"
values = [64, 128]
[[axis]]
name = "seqlen"
values = [128, 1024]
[[provider]]
id = "cpu_reference"
[[provider]]
id = "cpu_flash"
[[exclude]]
provider = "cpu_flash"
head_dim = 128
seqlen = 1024
[plot]
x = "seqlen"
name = "head_dim={head_dim}"
)",
                     "small.toml");
}

std::vector<double> ramp(int count) {
  std::vector<double> samples;
  for (int i = 0; i < count; ++i) samples.push_back(1.0 + i);
  return samples;
}

unsigned number_at(const std::string& bytes, size_t index) {
  return static_cast<unsigned char>(bytes[2 * index]) +
         256u * static_cast<unsigned char>(bytes[2 * index + 1]);
}

}  // namespace

TEST_CASE("base64 is that of RFC 4648", "[report]") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string("\xff\x00\xfe", 3)) == "/wD+");
}

TEST_CASE("a plot of the page knows its cell, and each point its trial, its absence or its failure",
          "[report]") {
  const Plan plan = expand(small_sweep(), {}, {"cpu"});
  std::vector<Record> records = records_of(plan, 3);
  REQUIRE(records.size() == 7);
  records.pop_back();
  const Json overview = Json::parse(page_data(Json::object(), plan, records).overview);
  CHECK(overview["axes"] == Json::parse(R"([{"name": "head_dim", "labels": ["64", "128"],
                                             "is_option": false}])"));
  CHECK(overview["x"]["labels"] == Json({"128", "1024"}));
  REQUIRE(overview["plots"].size() == 2);
  CHECK(overview["plots"][1]["name"] == "head_dim=128");
  CHECK(overview["plots"][1]["at"] == Json({1}));
  // -1: not in the sweep; -2: not run.
  const Json& points = overview["plots"][1]["points"];
  CHECK(points[0].size() == 2);
  CHECK(points[1][1] == -1);
  CHECK(points[0][1] == -2);
  const int at = overview["plots"][0]["points"][1][0];
  CHECK(overview["trials"]["provider"][at] == "cpu_flash");
  CHECK(overview["trials"]["outcome"][2] == "out_of_memory");
  CHECK(overview["trials"]["median_ms"][2] == nullptr);
}

TEST_CASE("the page's numbers are the record's to the last digit", "[report]") {
  const Plan plan = expand(small_sweep(), {}, {"cpu"});
  const std::vector<Record> records = records_of(plan, 100);
  const Json overview = Json::parse(page_data(Json::object(), plan, records).overview);
  for (size_t i = 0; i < records.size(); ++i) {
    const Json json = to_json(records[i], {});
    for (const char* key : {"median_ms", "ci_low_ms", "ci_high_ms", "min_ms", "tflops"}) {
      CHECK(overview["trials"][key][i].get<double>() == json[key].get<double>());
    }
  }
}

TEST_CASE("64 samples of a trial are shown, evenly spread, as 16 bits of its range", "[report]") {
  const Plan plan = expand(small_sweep(), {}, {"cpu"});
  std::vector<Record> records = records_of(plan, 100);
  records[0].samples_ms = ramp(256);
  for (int i = 0; i < 256; ++i) records[0].sample_rounds.push_back(i / 100);
  records[1].outcome = Outcome::crashed;
  records[2].samples_ms = {5.0, 5.0, 5.0};
  const std::string bytes = page_data(Json::object(), plan, records).samples;
  const size_t others = (records.size() - 3) * 30;
  CHECK(bytes.size() == 2 * 2 * (64 + 0 + 3 + others));
  CHECK(number_at(bytes, 0) == 0);
  CHECK(number_at(bytes, 63) == 64764);  // the 253rd of 256: 252 / 255 of the range
  CHECK(number_at(bytes, 64) == 0);
  CHECK(number_at(bytes, 127) == 2);  // its round
  CHECK(number_at(bytes, 128) == 0);  // samples that are all equal
}

TEST_CASE("the page has a policy, no open mark and no hostile text outside its data", "[report]") {
  const Plan plan = expand(hostile_sweep(), {}, {"cpu"});
  const PageData data = page_data(Json::object(), plan, records_of(plan, 2));
  const std::string page = page_html(kHostile, data);
  CHECK(page.find("<script>alert(1)") == std::string::npos);
  CHECK(page.find("&lt;script&gt;alert(1)") != std::string::npos);
  CHECK(page.find("default-src 'none'") != std::string::npos);
  for (const char* mark : {"@POLICY@", "@TITLE@", "@CSS@", "@OVERVIEW@", "@D3@", "@JS@"}) {
    CHECK(page.find(mark) == std::string::npos);
  }
  size_t scripts = 0;
  for (size_t at = page.find("</script"); at != std::string::npos;
       at = page.find("</script", at + 1)) {
    ++scripts;
  }
  CHECK(scripts == 5);
}

}  // namespace attnbench
