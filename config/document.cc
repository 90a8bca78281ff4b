#include "config/document.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <toml++/toml.h>
#include <tuple>
#include <unistd.h>
#include <utility>

#include "config/tree.h"

namespace rondel::config {
namespace {

constexpr std::size_t kFileBytesMax = 16 * 1024 * 1024;

Position position_of(const toml::source_region& region) {
  return {static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

Node convert(const toml::node& source);

void convert_table(const toml::table& source, Node& node) {
  node.kind = Node::Kind::table;
  node.entries.reserve(source.size());
  for (const auto& [key, value] : source) {
    node.entries.push_back(
        Entry{std::string(key.str()), position_of(key.source()), convert(value)});
  }
  // The library sorts by key; people read, and are told of mistakes, in the order of the file.
  std::ranges::stable_sort(node.entries, {}, [](const Entry& entry) {
    return std::tuple(entry.position.line, entry.position.column);
  });
}

Node convert(const toml::node& source) {
  Node node;
  node.position = position_of(source.source());
  if (const auto* table = source.as_table()) {
    convert_table(*table, node);
  } else if (const auto* list = source.as_array()) {
    node.kind = Node::Kind::list;
    node.items.reserve(list->size());
    for (const auto& item : *list) {
      node.items.push_back(convert(item));
    }
  } else if (const auto* text = source.as_string()) {
    node.kind = Node::Kind::text;
    node.text = text->get();
  } else if (const auto* integer = source.as_integer()) {
    node.kind = Node::Kind::integer;
    node.integer = integer->get();
  } else if (const auto* boolean = source.as_boolean()) {
    node.kind = Node::Kind::boolean;
    node.boolean = boolean->get();
  } else if (source.is_floating_point()) {
    node.kind = Node::Kind::real;
  } else {
    node.kind = Node::Kind::date;
  }
  return node;
}

base::Unexpected<Problems> failure(const std::string& path,
                                   std::string what,
                                   std::string allowed,
                                   Position position = {}) {
  Problems problems;
  problems.push_back(
      Problem{path, position.line, position.column, std::move(what), std::move(allowed), {}});
  return base::Unexpected(std::move(problems));
}

base::Unexpected<Problems> system_failure(const std::string& path, int error_number) {
  if (error_number == ENOENT) {
    const bool is_default = path == Document::kDefaultPath;
    return failure(path, "this file does not exist",
                   is_default ? "write it (docs/configuration.md), or name another with --config"
                              : "check the path given with --config");
  }
  return failure(path, fmt::format("cannot be read: {}", std::strerror(error_number)), "");
}

/// Closes a descriptor at the end of its scope.
struct Descriptor {
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) {
      ::close(fd);
    }
  }
  int fd;
};

base::Result<std::string, Problems> read_file(const std::string& path) {
  // Not waiting for a writer, should the path name a FIFO.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) {
    return system_failure(path, errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return failure(path, "this is not a regular file", "name the configuration file itself");
  }
  std::string text;
  std::string block(64 * 1024, '\0');
  for (;;) {
    const ssize_t count = ::read(file.fd, block.data(), block.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return system_failure(path, errno);
    }
    if (count == 0) {
      return text;
    }
    text.append(block, 0, static_cast<std::size_t>(count));
    if (text.size() > kFileBytesMax) {
      return failure(path, "this file is too big", "16 MiB at most");
    }
  }
}

std::string folder_of(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  return absolute.lexically_normal().parent_path().string();
}

}  // namespace

Document::Document(std::string path, std::shared_ptr<const Node> root)
    : path_(std::move(path)), folder_(folder_of(path_)), root_(std::move(root)) {
}

base::Result<Document, Problems> Document::load(const std::string& path) {
  RONDEL_TRY(const std::string text, read_file(path));
  return parse(text, path);
}

base::Result<Document, Problems> Document::parse(std::string_view text, const std::string& path) {
  try {
    const toml::table table = toml::parse(text, std::string_view(path));
    auto root = std::make_shared<Node>(convert(table));
    root->position = {1, 1};
    return Document(path, std::move(root));
  } catch (const toml::parse_error& error) {
    return failure(path, std::string(error.description()), "", position_of(error.source()));
  }
}

Document Document::empty() {
  return {"", std::make_shared<Node>()};
}

}  // namespace rondel::config
