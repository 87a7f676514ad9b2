// CgroupPlaces: where this process's own groups lie in the file system.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace sallyport::sandbox {

/// The folder of our own group in each hierarchy that is mounted.
struct CgroupPlaces {
  std::string unified;                                            // version 2; empty: none
  std::string unified_top;                                        // where it is mounted
  std::map<std::string, std::string, std::less<>> by_controller;  // version 1
};

/// From the texts of /proc/self/mountinfo and /proc/self/cgroup.
CgroupPlaces find_cgroup_places(std::string_view mountinfo, std::string_view own_groups);

}  // namespace sallyport::sandbox
