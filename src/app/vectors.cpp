#include <iostream>
#include <string>

#include "app/machine.hpp"
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
    std::cout << json::to_text(policy::answer_vector(*vector)) << "\n";
  }
  return 0;
}

}  // namespace sallyport::app
