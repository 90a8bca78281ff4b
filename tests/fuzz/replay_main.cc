// Stands in for libFuzzer where the compiler has none: runs the target on files and folders.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

bool replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)),
                                std::istreambuf_iterator<char>());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  int replayed = 0;
  bool is_good = true;
  for (int index = 1; index < count; ++index) {
    const std::filesystem::path path(arguments[index]);
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      is_good = replay(path) && is_good;
      ++replayed;
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
      if (entry.is_regular_file()) {
        is_good = replay(entry.path()) && is_good;
        ++replayed;
      }
    }
  }
  std::printf("replayed %d inputs\n", replayed);
  // No input at all is a wrong path, not a success.
  return is_good && replayed > 0 ? 0 : 1;
}
