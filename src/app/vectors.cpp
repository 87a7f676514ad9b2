#include <iostream>
#include <string>

#include "app/machine.hpp"
#include "identity/vectors.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "policy/vectors.hpp"

namespace sallyport::app {

int run_vectors() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    const auto vector = json::parse(line);
    if (!vector) {
      std::cerr << "sallyport: " << vector.error().message << "\n";
      return 1;
    }
    const auto answer = identity::is_signature_vector(*vector) ? identity::answer_vector(*vector) : policy::answer_vector(*vector);
    std::cout << json::to_text(answer) << "\n";
  }
  return 0;
}

}  // namespace sallyport::app
