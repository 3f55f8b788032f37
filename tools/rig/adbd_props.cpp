// Preloaded into Debian's adbd, which has no Android property service: answers property questions from the lines
// "key=value" of /system/build.prop. With it adbd tells its product and model. What adbd starts does not inherit it.
//
// Build: aarch64-linux-gnu-g++ -O2 -shared -fPIC -Wall -Wextra -o adbd_props.so adbd_props.cpp
#include <cstdlib>
#include <fstream>
#include <string>

namespace {

__attribute__((constructor)) void StopInheritance() {
  unsetenv("LD_PRELOAD");
  unsetenv("QEMU_SET_ENV");  // by which qemu was told to preload
}

}  // namespace

namespace android::base {

std::string GetProperty(const std::string& key, const std::string& otherwise) {
  std::ifstream file("/system/build.prop");
  const std::string start = key + "=";
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, start.size(), start) == 0) return line.substr(start.size());
  }
  return otherwise;
}

}  // namespace android::base
