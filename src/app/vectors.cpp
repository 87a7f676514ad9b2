#include <iostream>
#include <string>

#include "app/machine.hpp"
#include "identity/jwt_vectors.hpp"
#include "identity/vectors.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "policy/vectors.hpp"
#include "schema/vectors.hpp"

namespace sallyport::app {
namespace {

json::Value answer_vector(const json::Value& vector) {
  if (identity::is_signature_vector(vector)) return identity::answer_vector(vector);
  if (identity::is_token_vector(vector)) return identity::answer_token_vector(vector);
  if (schema::is_schema_vector(vector)) return schema::answer_vector(vector);
  return policy::answer_vector(vector);
}

}  // namespace

int run_vectors() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    const auto vector = json::parse(line);
    if (!vector) {
      std::cerr << "sallyport: " << vector.error().message << "\n";
      return 1;
    }
    std::cout << json::to_text(answer_vector(*vector)) << "\n";
  }
  return 0;
}

}  // namespace sallyport::app
