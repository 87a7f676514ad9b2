// What verifying a request costs, beside the HMAC chain and the hashes that no verifier can do without.
#include <benchmark/benchmark.h>

#include "identity/sigv4.hpp"
#include "identity/testing.hpp"

namespace sallyport::identity {
namespace {

const WallTime now = *parse_iso8601_basic("20150830T123600Z");

SigV4Rules rules_with(Diagnosis diagnosis) {
  return {.service = "service", .region = RegionPolicy::only("us-east-1"), .diagnosis = diagnosis};
}

/// About 1 KiB: eight headers, four parameters, half of it body.
testing::Draft draft() {
  testing::Draft out{.method = "POST", .path = "/dev/pets/17/owners", .body = std::string(512, 'b')};
  out.query = {{"limit", "10"}, {"after", "a b"}, {"filter", "kind=dog"}, {"filter", "age=3"}};
  out.headers.insert(out.headers.end(), {{"Content-Type", "application/json"},
                                         {"User-Agent", "aws-sdk/1.0 ua/2.0 os/linux"},
                                         {"X-Amz-Target", "Pets_20240101.ListOwners"},
                                         {"Accept", "*/*"},
                                         {"amz-sdk-invocation-id", "0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"}});
  return out;
}

void verify_draft(benchmark::State& state, const testing::Signer& signer, Diagnosis diagnosis, bool accepted) {
  testing::Keys keys;
  keys.add(testing::access_key_id, testing::secret_key);
  const auto signed_draft = signer.sign(draft());
  const auto request = signed_draft.request();
  const auto rules = rules_with(diagnosis);
  if (verify(request, Payload::of(signed_draft.body), rules, keys, now).has_value() != accepted) return state.SkipWithError("wrong answer");
  for (auto _ : state) benchmark::DoNotOptimize(verify(request, Payload::of(signed_draft.body), rules, keys, now));
}

void sigv4_accepted(benchmark::State& state) { verify_draft(state, {}, Diagnosis::off, true); }
void sigv4_wrong_secret(benchmark::State& state) { verify_draft(state, {.secret = std::string(40, 's')}, Diagnosis::off, false); }
void sigv4_unknown_key(benchmark::State& state) { verify_draft(state, {.id = "AKIDNOBODY0"}, Diagnosis::off, false); }
void sigv4_wrong_secret_diagnosed(benchmark::State& state) { verify_draft(state, {.secret = std::string(40, 's')}, Diagnosis::on, false); }
BENCHMARK(sigv4_accepted);
BENCHMARK(sigv4_wrong_secret);
BENCHMARK(sigv4_unknown_key);
BENCHMARK(sigv4_wrong_secret_diagnosed);

/// Five HMACs and the hashes of a body and of a canonical request of the same sizes.
void bare_hmac_chain(benchmark::State& state) {
  const std::string body(512, 'b'), canonical(600, 'c');
  for (auto _ : state) {
    benchmark::DoNotOptimize(crypto::sha256(body));
    const auto hash = to_hex(crypto::sha256(canonical));
    std::string key = cat("AWS4", testing::secret_key);
    for (const auto* part : {"20150830", "us-east-1", "service", "aws4_request"}) key = crypto::hmac_sha256(key, part);
    benchmark::DoNotOptimize(
        crypto::hmac_sha256(key, cat("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n", hash)));
  }
}
BENCHMARK(bare_hmac_chain);

}  // namespace
}  // namespace sallyport::identity
