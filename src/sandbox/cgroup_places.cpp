#include "sandbox/cgroup_places.hpp"

#include <vector>

#include "base/text.hpp"

namespace sallyport::sandbox {
namespace {

struct Mount {
  std::string root, folder, type;
  std::vector<std::string> options;
};

std::vector<std::string> strings(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (const auto part : split(text, separator)) parts.emplace_back(part);
  return parts;
}

// 36 35 98:0 /root /folder rw,noatime shared:1 - cgroup2 source rw,memory
std::vector<Mount> parse_mounts(std::string_view text) {
  std::vector<Mount> mounts;
  for (const auto line : split(text, '\n')) {
    const auto middle = line.find(" - ");
    if (middle == std::string_view::npos) continue;
    const auto before = strings(line.substr(0, middle), ' '), after = strings(line.substr(middle + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    mounts.push_back({before[3], before[4], after[0], strings(after[2], ',')});
  }
  return mounts;
}

// The group's folder below a mount that may show only a part of the hierarchy.
std::string below(const Mount& mount, std::string_view group) {
  if (mount.root != "/") {
    if (!group.starts_with(mount.root)) return {};
    group.remove_prefix(mount.root.size());
  }
  while (group.ends_with('/')) group.remove_suffix(1);
  return cat(mount.folder, group);
}

}  // namespace

CgroupPlaces find_cgroup_places(std::string_view mountinfo, std::string_view own_groups) {
  CgroupPlaces places;
  const auto mounts = parse_mounts(mountinfo);
  for (const auto line : split(own_groups, '\n')) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
    for (const auto& mount : mounts) {
      if (controllers.empty() && mount.type == "cgroup2") {
        places.unified = below(mount, group);
        places.unified_top = mount.folder;
      }
      if (mount.type != "cgroup") continue;
      for (const auto controller : split(controllers, ','))
        for (const auto& option : mount.options)
          if (!controller.empty() && option == controller) {
            if (auto folder = below(mount, group); !folder.empty()) places.by_controller[std::string(controller)] = folder;
          }
    }
  }
  return places;
}

}  // namespace sallyport::sandbox
