// A TOML file that has been read, with the position of everything in it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/problem.h"

namespace rondel::config {

struct Node;

/// A parsed file, not yet checked against any schema. Cheap to copy; immutable.
class Document {
 public:
  /// The file where nobody names another.
  static constexpr std::string_view kDefaultPath = "/etc/rondel/rondel.toml";

  /// Reads and parses a file. A file that is absent is an error: a server without hosts and
  /// interfaces has nothing to do.
  ///
  /// Errors: a sentence on the file, or the first mistake in its TOML.
  /// Limits: 16 MiB.
  [[nodiscard]] static base::Result<Document, Problems> load(const std::string& path);

  /// Parses text; `path` is what messages name, and relative paths start from its folder.
  [[nodiscard]] static base::Result<Document, Problems> parse(std::string_view text,
                                                              const std::string& path);

  /// A document that says nothing, for programs that need no file (rondelctl --socket).
  [[nodiscard]] static Document empty();

  /// As it was given to load() or parse().
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The absolute folder of the file.
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const Node& root() const { return *root_; }

 private:
  Document(std::string path, std::shared_ptr<const Node> root);

  std::string path_;
  std::string folder_;
  std::shared_ptr<const Node> root_;
};

}  // namespace rondel::config
